"""Every key of a study file says what it means, in its docstring, the schema and the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel

from brainage.config import PathsSection, StudyConfig, SweepConfig, study_schema
from brainage.options import key_descriptions


def models_in(annotation) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for argument in get_args(annotation):
        yield from models_in(argument)


MODELS = sorted({*models_in(StudyConfig), *models_in(SweepConfig)}, key=lambda each: each.__name__)


@pytest.mark.parametrize("model", MODELS, ids=lambda each: each.__name__)
def test_every_key_has_a_description(model):
    told = key_descriptions(model)
    assert [name for name in model.model_fields if len(told.get(name, "")) < 8] == []


def test_the_schema_for_editors_has_them_on_every_key():
    schema = study_schema()
    parts = [schema, *schema["$defs"].values()]
    bare = [
        (part.get("title"), name)
        for part in parts
        for name, value in part.get("properties", {}).items()
        if not value.get("description")
    ]
    assert bare == []


def test_keys_described_together_share_their_words():
    told = key_descriptions(PathsSection)
    assert told["reference"] == told["trial"] != told["external"]
