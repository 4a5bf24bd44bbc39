"""HubSpot: tasks on the company, or closed deals, upserted a hundred at a time by a unique property of ours.

`outgrown_id` is that property: with its help POST /crm/v3/objects/tasks/batch/upsert makes a record or changes the one
that has the id, however often it is told. It is made where it is missing and the key may make it. The official client
speaks, in one request at a time and with no repetitions of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

from agent.foundation.access import given
from agent.foundation.errors import OutgrownError
from agent.foundation.outward import (
    Answer,
    AnswerLost,
    Outgoing,
    OutwardKind,
    OutwardRecord,
    OutwardResult,
    RecordRefused,
    Target,
    TargetBusy,
    TargetDown,
    Written,
)
from agent.foundation.sections_outward import HubspotTarget
from connectors.outward._http import UNREACHABLE, address, escaped, retry_after, shown

KEY, OWN_URL = "HUBSPOT_WRITE_TOKEN", "https://api.hubapi.com"
PROPERTY, GROUP = "outgrown_id", "outgrown"
TASKS, DEALS = "tasks", "deals"
LONGEST_BODY = 20_000
RIGHTS = "crm.objects.contacts.write (tasks), crm.objects.companies.write (links), with deals crm.objects.deals.write"


class Hubspot(Target):
    """Writes tasks and deals to one account."""

    name = "hubspot"
    wants = "hubspot"
    at_once = 100

    def __init__(self, settings: HubspotTarget) -> None:
        self.settings, self.kinds, self.backfill = settings, settings.on, settings.backfill
        self.patience = timedelta(seconds=12 * settings.timeout_seconds)
        self._key = given(KEY)
        self.base_url = address(self.name, settings.base_url, OWN_URL)
        missing = {
            f"{KEY} in .env": not self._key,
            "its client (install outgrown[hubspot])": find_spec("hubspot") is None,
        }
        self.lacks = " and ".join(name for name, is_missing in missing.items() if is_missing)
        self._apis: dict[str, Any] = {}
        self._ready: set[str] = set()

    def put(self, outgoing: Outgoing) -> Written:
        """Write one record."""
        [(_, answer)] = self.put_all([outgoing])
        if isinstance(answer, OutgrownError):
            raise answer
        return answer

    def put_all(self, batch: Sequence[Outgoing]) -> Iterator[tuple[str, Answer]]:
        """Write the tasks together, then the deals."""
        for kind in (TASKS, DEALS):
            some = [one for one in batch if self._object(one.record) == kind]
            if some:
                yield from self._upsert(kind, some)

    def look(self) -> str:
        """Whether the key works, and whether the property is there or will be made."""
        missing = [kind for kind in self._objects() if not self._has_property(kind)]
        if missing:
            return f"the key works; {' and '.join(missing)} get the property {PROPERTY} with the first record"
        return f"the key works, and {' and '.join(self._objects())} have {PROPERTY}"

    def close(self) -> None:
        """Give the connections back."""
        for api in self._apis.values():
            api.api_client.rest_client.pool_manager.clear()
            api.api_client.close()
        self._apis = {}

    # Records.

    def _object(self, record: OutwardRecord) -> str:
        is_deal = (
            self.settings.outcomes_as == "deal"
            and record.kind is OutwardKind.OUTCOME
            and record.result is not OutwardResult.OPEN
        )
        return DEALS if is_deal else TASKS

    def _objects(self) -> tuple[str, ...]:
        return (TASKS, DEALS) if self.settings.outcomes_as == "deal" else (TASKS,)

    def _properties(self, kind: str, record: OutwardRecord) -> dict[str, str]:
        settings = self.settings
        moment = f"{record.at.isoformat(timespec='milliseconds')}Z"
        owner = {"hubspot_owner_id": settings.owner_id} if settings.owner_id else {}
        if kind == DEALS:
            is_won = record.result is OutwardResult.WON
            is_theirs = record.amount is not None and record.currency == settings.currency
            amount = {"amount": record.amount or ""} if is_theirs else {}
            return {
                "dealname": record.title,
                "description": record.body[:LONGEST_BODY],
                "pipeline": settings.pipeline,
                "dealstage": settings.won_stage if is_won else settings.lost_stage,
                "closedate": moment,
                **amount,
                **owner,
            }
        is_open = record.kind is OutwardKind.READY
        return {
            "hs_timestamp": moment,
            "hs_task_subject": record.title,
            # HubSpot shows it as HTML.
            "hs_task_body": escaped(record.body[:LONGEST_BODY]),
            "hs_task_status": "NOT_STARTED" if is_open else "COMPLETED",
            "hs_task_type": "TODO",
            **owner,
        }

    def _upsert(self, kind: str, batch: Sequence[Outgoing]) -> Iterator[tuple[str, Answer]]:
        by_id = {one.record.our_id: one for one in batch}
        try:
            self._see_to_property(kind)
            found = self._written(kind, batch)
        except RecordRefused as why:
            if len(batch) == 1:
                yield batch[0].record.our_id, why
                return
            # One that does not fit has all refused: halved until it is alone, the others are written.
            half = len(batch) // 2
            yield from self._upsert(kind, batch[:half])
            yield from self._upsert(kind, batch[half:])
            return
        except OutgrownError as why:
            yield from ((our_id, why) for our_id in by_id)
            return
        unlinked = self._link(kind, {their_id: by_id[our_id] for our_id, their_id in found.items()})
        for our_id in by_id:
            their_id = found.get(our_id, "")
            if not their_id:
                yield our_id, AnswerLost("HubSpot did not name the record among those it wrote")
            elif isinstance(unlinked.get(their_id), OutgrownError):
                yield our_id, unlinked[their_id]
            else:
                yield our_id, Written(f"{kind}/{their_id}", str(unlinked.get(their_id, "")))

    def _written(self, kind: str, batch: Sequence[Outgoing]) -> dict[str, str]:
        """What HubSpot calls each record, by our id."""
        from hubspot.crm.objects import (
            BatchInputSimplePublicObjectBatchInputUpsert,
            SimplePublicObjectBatchInputUpsert,
        )

        inputs = [
            SimplePublicObjectBatchInputUpsert(
                id=one.record.our_id, id_property=PROPERTY, properties=self._properties(kind, one.record)
            )
            for one in batch
        ]
        answer = self._ask(
            "objects",
            lambda api, more: api.upsert(
                kind, BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs), **more
            ),
        )
        found = _by_property(answer.get("results"))
        missing = [one.record.our_id for one in batch if one.record.our_id not in found]
        if answer.get("errors") and len(batch) > 1 and missing:
            raise RecordRefused("HubSpot refuses some of them")
        if answer.get("errors") and missing:
            raise RecordRefused(f"HubSpot refuses the record ({shown(_first(answer['errors']))})")
        return found | self._known(kind, missing) if missing else found

    def _known(self, kind: str, our_ids: Sequence[str]) -> dict[str, str]:
        """The same, asked for: where an answer does not name our ids."""
        from hubspot.crm.objects import BatchReadInputSimplePublicObjectId, SimplePublicObjectId

        wanted = BatchReadInputSimplePublicObjectId(
            properties=[PROPERTY],
            properties_with_history=[],
            id_property=PROPERTY,
            inputs=[SimplePublicObjectId(id=one) for one in our_ids],
        )
        answer = self._ask("objects", lambda api, more: api.read(kind, wanted, **more))
        return _by_property(answer.get("results"))

    def _link(self, kind: str, written: Mapping[str, Outgoing]) -> dict[str, Any]:
        """Link each record to its company; why not, by HubSpot's id, where that did not work."""
        from hubspot.crm.associations.v4 import (
            BatchInputPublicDefaultAssociationMultiPost,
            PublicDefaultAssociationMultiPost,
            PublicObjectId,
        )

        pairs = {
            their_id: one.there[self.wants] for their_id, one in written.items() if one.there.get(self.wants)
        }
        if not pairs:
            return {}

        def link(some: Iterable[tuple[str, str]]) -> dict[str, Any]:
            inputs = [
                PublicDefaultAssociationMultiPost(
                    _from=PublicObjectId(id=ours), to=PublicObjectId(id=company)
                )
                for ours, company in some
            ]
            body = BatchInputPublicDefaultAssociationMultiPost(inputs=inputs)
            return self._ask(
                "associations", lambda api, more: api.create_default(kind, "companies", body, **more)
            )

        try:
            answer = link(pairs.items())
        except RecordRefused:
            answer = {"errors": [True]}
        except OutgrownError as why:
            # The records are there: they are told again, under their ids, to be linked.
            return {
                their_id: AnswerLost(str(why), pause=getattr(why, "pause", timedelta())) for their_id in pairs
            }
        if not answer.get("errors"):
            return {}
        unlinked: dict[str, Any] = {}
        for their_id, company in pairs.items():
            try:
                said = _first(link([(their_id, company)]).get("errors"))
            except RecordRefused as refused:
                said = str(refused)
            except OutgrownError as lost:
                unlinked[their_id] = AnswerLost(str(lost), pause=getattr(lost, "pause", timedelta()))
                continue
            if said:
                unlinked[their_id] = f"not linked to company {shown(company)}: {shown(said)}"
        return unlinked

    # The property.

    def _see_to_property(self, kind: str) -> None:
        if kind in self._ready:
            return
        if not self._has_property(kind):
            self._make_property(kind)
        self._ready.add(kind)

    def _has_property(self, kind: str) -> bool:
        """Whether the property is there.

        Raises TargetDown for one of the name whose values may repeat.
        """
        try:
            found = self._ask(
                "properties", lambda api, more: api.get_by_name(kind, PROPERTY, **more), missing=True
            )
        except _Missing:
            return False
        if not found.get("has_unique_value"):
            raise TargetDown(
                f"HubSpot's property {PROPERTY} of {kind} does not ask for unique values; delete it there, and it is "
                "made anew."
            )
        return True

    def _make_property(self, kind: str) -> None:
        from hubspot.crm.properties import PropertyCreate, PropertyGroupCreate

        group = PropertyGroupCreate(name=GROUP, label="Outgrown", display_order=-1)
        made = PropertyCreate(
            name=PROPERTY,
            label="Outgrown ID",
            description="By this Outgrown knows its records again; do not change it.",
            group_name=GROUP,
            type="string",
            field_type="text",
            has_unique_value=True,
            form_field=False,
        )
        try:
            self._ask("groups", lambda api, more: api.create(kind, group, **more), known=True)
            self._ask("properties", lambda api, more: api.create(kind, made, **more), known=True)
        except (TargetDown, RecordRefused) as why:
            raise TargetDown(
                f"HubSpot's {kind} lack the property {PROPERTY}, and the key may not make it ({why}); make it there: "
                "single-line text, internal name outgrown_id, unique values required."
            ) from None

    # The client.

    def _api(self, which: str) -> Any:
        if which not in self._apis:
            from hubspot import HubSpot
            from urllib3.util.retry import Retry

            # None of its own: what is told again is our decision, and nothing is sent elsewhere.
            once = Retry(
                total=None, connect=0, read=0, redirect=0, status=0, other=0,
                raise_on_redirect=False, raise_on_status=False,
            )  # fmt: skip
            proxy = given("https_proxy") or given("HTTPS_PROXY")
            also = {"proxy": proxy} if proxy and self.base_url.startswith("https://") else {}
            client = HubSpot(access_token=self._key, host=self.base_url, retry=once, **also)
            self._apis[which] = {
                "objects": lambda: client.crm.objects.batch_api,
                "associations": lambda: client.crm.associations.v4.batch_api,
                "properties": lambda: client.crm.properties.core_api,
                "groups": lambda: client.crm.properties.groups_api,
            }[which]()
        return self._apis[which]

    def _ask(self, which: str, call: Any, *, missing: bool = False, known: bool = False) -> dict[str, Any]:
        """The answer as a dict. With `missing` a 404 is _Missing; with `known` a 409 is no trouble.

        Raises TargetDown, TargetBusy, RecordRefused or AnswerLost.
        """
        import urllib3.exceptions as bad

        seconds = self.settings.timeout_seconds
        api = self._api(which)
        try:
            found = call(api, {"_request_timeout": (min(10.0, seconds), seconds)})
        except (bad.NewConnectionError, bad.ConnectTimeoutError) as why:
            raise _unreachable(why) from None
        except bad.MaxRetryError as why:
            if isinstance(why.reason, bad.NewConnectionError | bad.ConnectTimeoutError):
                raise _unreachable(why.reason) from None
            raise AnswerLost(f"HubSpot gave no answer ({type(why.reason).__name__})") from None
        except bad.HTTPError as why:
            raise AnswerLost(f"HubSpot gave no answer ({type(why).__name__})") from None
        except Exception as why:
            status = getattr(why, "status", None)
            if status is None:
                raise AnswerLost(f"HubSpot's answer could not be read ({type(why).__name__})") from None
            if missing and status == 404:
                raise _Missing from None
            if known and status == 409:
                return {}
            raise self._failure(why, status) from None
        return dict(found.to_dict()) if found is not None else {}

    def _failure(self, why: Any, status: int) -> OutgrownError:
        said = shown(_message(why.body), (self._key,))
        told = f"{status}{': ' + said if said else ''}"
        if status == 0:
            return TargetDown(
                "HubSpot's certificate could not be verified, so nothing was sent; mend that first."
            )
        if status in (401, 403):
            return TargetDown(f"HubSpot does not let us write ({told}); give {KEY} these scopes: {RIGHTS}.")
        if status == 429:
            pause = retry_after(str((why.headers or {}).get("Retry-After", ""))) or timedelta(seconds=10)
            return TargetBusy(f"HubSpot asks us to wait ({told}).", pause=pause)
        if 300 <= status < 400:
            return TargetDown(f"HubSpot sends us elsewhere ({status}), where we do not go; mend its address.")
        if status >= 500 or status in (408, 423):
            return AnswerLost(f"HubSpot did not say what became of it ({told})")
        return RecordRefused(
            f"HubSpot refuses the record ({told}); mend that, then `outgrown targets retry`."
        )


class _Missing(Exception):
    """There is no such thing."""


def _unreachable(why: Exception) -> TargetDown:
    return TargetDown(
        f"HubSpot cannot be reached ({type(why).__name__}); mend the connection or its address.",
        pause=UNREACHABLE,
    )


def _by_property(results: Any) -> dict[str, str]:
    found = {}
    for one in results or ():
        ours = (one.get("properties") or {}).get(PROPERTY)
        if ours and one.get("id"):
            found[str(ours)] = str(one["id"])
    return found


def _first(errors: Any) -> str:
    """The first error's message; empty where there is none."""
    for one in errors or ():
        return (
            str(one.get("message") or one.get("category") or "refused")
            if isinstance(one, dict)
            else "refused"
        )
    return ""


def _message(body: Any) -> str:
    try:
        found = json.loads(body or "{}")
    except (ValueError, TypeError):
        return ""
    return str(found.get("message") or "") if isinstance(found, dict) else ""
