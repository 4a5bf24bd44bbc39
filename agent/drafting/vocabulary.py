"""What metrics, features, products and teams are called in a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.drafting.phrases import AGAINST, is_named_by_customer
from agent.drafting.wording import label, team_name
from agent.foundation.settings import Settings
from agent.signals.catalogue import PlanBook
from agent.signals.finding import Figure, Finding
from agent.signals.names import readable

METRIC_GROUPS = {"usage_pressure", "growth"}
NO_UNITS = {"", "count", "counts", "number", "unit", "units", "each", "#"}
SEATS = "seats"


@dataclass(frozen=True)
class Vocabulary:
    """Names by id, as the company gave them; an id without a name speaks for itself."""

    labels: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    "The plural noun of what a metric counts."

    def name(self, key: str | None, *, common: bool = False) -> str | None:
        """A metric, feature or product inside a sentence; None when the name is unfit for one."""
        return label(self.labels.get(key or "") or key, common=common)

    def noun(self, metric: str | None) -> str | None:
        """What is counted: '9.4 of 10 GB', '940 of 1,000 exports'."""
        unit = self.units.get(metric or "", "")
        return self.name(metric, common=True) if unit.lower() in NO_UNITS else label(unit, common=True)

    def topic(self, finding: Finding) -> str | None:
        """What a finding is about; a customer's own word passes a finer sieve."""
        if finding.key is None:
            return None
        if is_named_by_customer(finding):
            return team_name(finding.key)
        return self.name(finding.key, common=finding.about == "metric" or finding.group in METRIC_GROUPS)

    def named(self, finding: Finding) -> Finding:
        """The finding with its key, and the unit of its ceiling, as a customer may read them."""
        figures = tuple(self._counted(figure, finding.key) for figure in finding.figures)
        return finding.model_copy(update={"key": self.topic(finding), "figures": figures})

    def _counted(self, figure: Figure, key: str | None) -> Figure:
        if figure.figure_id not in {*AGAINST, *AGAINST.values()}:
            return figure
        return figure.model_copy(update={"unit": self.noun(key or SEATS) or figure.unit})


def vocabulary(book: PlanBook, settings: Settings) -> Vocabulary:
    """The names of a company's metrics and products."""
    products = {product: setting.name for product, setting in settings.products.items() if setting.name}
    features = {feature: readable(feature) for feature in book.all_features()}
    labels = {metric.metric: metric.label for metric in book.metrics}
    return Vocabulary(features | labels | products, {metric.metric: metric.unit for metric in book.metrics})
