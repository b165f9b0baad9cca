"""A score as JSON and back: nothing that a face shows is lost on the way."""

from __future__ import annotations

import json

from ssc_hrct.app.result import Result, from_json, to_json
from ssc_hrct.core.findings import PAIR_FINDINGS, SCAN_FINDINGS, caution, pair_caution, refusal
from ssc_hrct.core.rows import score_row
from tests.made_up import a_score


def test_a_result_comes_back_from_json_as_it_went_in() -> None:
    findings = (refusal("LOCALIZER", "one slice"), caution("KERNEL_UNKNOWN"), pair_caution("KERNEL_UNKNOWN", "B"))
    result = Result(score_row(a_score()), findings, ((1, 2), (3, 4)), "ab" * 32)
    assert from_json(json.dumps(to_json(result))) == result


def test_the_json_says_what_the_findings_own_table_says() -> None:
    findings = (caution("POSITION_UNKNOWN"), pair_caution("POSITION_UNKNOWN"))
    told = to_json(Result(score_row(a_score()), findings))["findings"]
    tables = (SCAN_FINDINGS, PAIR_FINDINGS)
    assert [(f["says"], f["do"]) for f in told] == [
        (table["POSITION_UNKNOWN"].says, table["POSITION_UNKNOWN"].do) for table in tables
    ]
