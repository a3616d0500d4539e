"""What is left out for a moment, because it rests or is full, never leaves a request without a model."""

from __future__ import annotations

import msgspec
from hypothesis import given

from router.core.reasons import Why
from tests.core.test_plan import CASES, Case, planned


@given(CASES)
def test_rest_and_full_quotas_never_leave_a_request_without_a_model(case: Case) -> None:
    made, calm = planned(case), planned(msgspec.structs.replace(case, resting={}, opens_in={}))
    assert bool(made.order) == bool(calm.order)
    if made.opens_in_s > 0 and made.asked.pin is None:
        [first] = made.order
        full = [v.label for v in made.verdicts if v.objection is Why.QUOTA_FULL]
        assert case.opens_in[first.label] == made.opens_in_s
        assert all(case.opens_in[label] >= made.opens_in_s for label in full), "the one that opens first is used"
    elif made.asked.pin is None:
        assert not {verdict.label for verdict in made.order} & case.opens_in.keys()
