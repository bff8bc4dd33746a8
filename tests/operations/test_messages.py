"""Every code has words, for every kind of operation, and no value is left out."""

import pytest
from django.utils import translation

from snapshots.models import (
    Anomaly,
    AnomalyKind,
    AnomalyMessage,
    CloudTrouble,
    Operation,
    OperationState,
    OutcomeCode,
)
from snapshots.operations.kinds import KINDS
from snapshots.operations.messages import (
    ANOMALY_MESSAGES,
    MESSAGES,
    anomaly_sentence,
    label_of,
    outcome_sentence,
    reason_of,
    sentences_of,
)
from snapshots.operations.refusals import Refusal, reason_in

VALUES = {
    "names": "s-1, s-2",
    "person": "root",
    "why": "It is there.",
    "looks": "4",
    "status": "error",
    "reason": "unreachable",
    "cloud_said": "50 % is too much",
    "snapshot": "s-1",
    "own": "s-2",
    "cloud": "ankara",
    "state": "failed",
    "change": "other",
    "volume": "v-1",
}


def operation(state, code="", kind="create", **values):
    return Operation(kind=kind, state=state, outcome_code=code, outcome_values={**VALUES, **values})


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("code", sorted(set(OutcomeCode) - {OutcomeCode.NONE}))
def test_every_outcome_has_a_sentence(code, kind):
    for state in OperationState:
        sentence = outcome_sentence(operation(state, code, kind))
        assert len(sentence) > 10
        assert "%(" not in sentence
        assert sentence[-1] in ".h" or sentence.endswith("much")


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("state", sorted(OperationState))
def test_every_state_has_label_and_sentence(db, state, kind):
    assert label_of(operation(state, kind=kind))
    assert sentences_of(operation(state, kind=kind))[0].endswith(".")


@pytest.mark.parametrize("message", sorted(AnomalyMessage))
def test_every_anomaly_has_a_sentence(message):
    anomaly = Anomaly(
        kind=AnomalyKind.WRONG_ID, message_code=message, message_values=VALUES | {"x": "y"}
    )
    assert set(ANOMALY_MESSAGES) == set(AnomalyMessage)
    assert anomaly_sentence(anomaly).endswith(".")


@pytest.mark.parametrize("code", sorted(set(CloudTrouble) - {CloudTrouble.NONE}))
def test_every_trouble_of_a_cloud_has_words(code):
    assert str(code.label) not in {"", code.value}


@pytest.mark.parametrize("code", sorted(Refusal))
def test_every_refusal_has_words(code):
    assert reason_in({"why": code.value}).endswith(".")


@pytest.mark.parametrize(
    ("language", "reason"),
    [("en-gb", "The quota of the cloud project is used up"), ("zh-hans", "云项目的配额已用完")],
)
def test_reason_for_counting_is_one_sentence(language, reason):
    with translation.override(language):
        assert reason_of(OutcomeCode.QUOTA_USED_UP) == reason
        assert not any(end in reason_of(code) for code in MESSAGES for end in (". ", "。"))


def test_reason_of_a_person_stays_as_typed():
    assert reason_in({"why": "It was deleted by hand."}) == "It was deleted by hand."
    assert reason_in({}) == ""


def test_refusal_quotes_the_cloud_and_names_helper():
    sentence = outcome_sentence(operation(OperationState.REFUSED, OutcomeCode.QUOTA_USED_UP))
    assert "Who can help: the people who run the cloud account." in sentence
    assert sentence.endswith("The cloud said: 50 % is too much")


def test_giving_up_says_why_and_that_nothing_was_made():
    sentence = outcome_sentence(operation(OperationState.FAILED, OutcomeCode.GIVEN_UP))
    assert sentence == (
        "The cloud cannot be reached. The portal has stopped trying. Nothing was made. "
        "Ask again later."
    )


def test_row_with_missing_values_is_still_shown():
    row = Operation(kind="create", state="unknown", outcome_code="several", outcome_values={})
    assert "More than one snapshot" in outcome_sentence(row)
