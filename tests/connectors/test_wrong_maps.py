"""Mistakes in a map: each is one sentence with its place."""

import pytest

from agent.foundation.errors import ConfigError, InputError


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            '[connectors.files.map.measure]\nfile = "u.csv"',
            "no canonical table 'measure'; did you mean 'measures'",
        ),
        ('[connectors.files.map.measures]\nfil = "u.csv"', "unknown setting 'fil'; did you mean 'file'"),
        (
            '[connectors.files.map.measures]\nfile = "u.csv"\ncolumns = { acount_id = "x" }',
            "did you mean 'account_id'",
        ),
        (
            '[connectors.files.map.measures]\nfile = "u.csv"\ncolumns = { account_id = "cusomer" }',
            "did you mean 'customer'",
        ),
        ('[connectors.files.map.measures]\nfile = "u.csv"\nperiods = "join"', "measures has no periods"),
        (
            '[connectors.files.map.measures]\nfile = "u.csv"',
            "nothing gives 'account_id', which measures needs",
        ),
        (
            '[connectors.files.map.measures]\nfile = "u.csv"\n'
            'columns = { account_id = "customer", value = "n" }\nconstants = { metric = "m" }\n'
            'dates = { day = ["%Q"] }',
            "dates.day",
        ),
        (
            '[connectors.files.map.measures]\nfile = "u.csv"\nwhere = "n > (SELECT 1)"',
            "[connectors.files.map.measures] where: '(SELECT 1)' is not allowed",
        ),
        (
            '[connectors.files.map.measures]\nfile = "u.csv"\nwhere = "nn > 1"',
            "no column 'nn' in the file; did you mean 'n'",
        ),
        ('[connectors.files.map.measures]\nfile = "u.csv"\nwhere = "n + "', "is not an expression"),
        ('[connectors.files.map.measures]\nfile = "u.csv"\nwhere = "round(n, n, n)"', "where:"),
        ('[connectors.files.map.measures.join]\nfile = "x"', "setting 'file' is missing"),
        ("[connectors.files.rows]\nplan = []", "no canonical table 'plan'; did you mean 'plans'"),
        (
            "[connectors.files.rows]\nplans = [{ plan = 1 }]",
            "'plan' is not one of plans' columns; did you mean 'plan_id'",
        ),
    ],
)
def test_a_wrong_map_is_named(desk, settings, says):
    """A mistake in the settings is one sentence with its place and the nearest right thing."""
    desk.settings(settings + "\n")
    desk.put("u.csv", "customer,day,n\na,2026-01-02,1\n")
    with pytest.raises(ConfigError) as refused:
        desk.sync()
    assert says in str(refused.value)
    assert "outgrown.toml" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_mapped_file_that_is_not_there(desk):
    """The nearest file of the folder is named."""
    desk.settings('[connectors.files.map.measures]\nfile = "usages.csv"\n')
    desk.put("usage.csv", "x\n1\n")
    with pytest.raises(InputError, match=r"There is no file usages.csv in .*; did you mean usage.csv"):
        desk.sync()
