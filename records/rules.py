"""One field's whole rule: from an untrusted value to its canonical form, or why not. Knows no rows and no tables."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from records.canonical import RefusedError
from records.fieldtypes import field_type
from records.jsonschema import bounds_in_schema, property_schema
from records.jsontext import dumps
from records.limits import TEXT_SHOWN
from records.patterns import compile_schema
from records.table import Field, Json
from records.typerow import FieldType

REQUIRED: Final = RefusedError("required", "This field must not be null; send a value.")
SURROGATE: Final = RefusedError("invalid_text", "Must not contain a lone surrogate; send whole Unicode characters.")

_ALLOWED_SHOWN: Final = 5
_CODES: Final = {
    "enum": ("not_in_enum", "Must be one of the values of the field's enum: {0}."),
    "pattern": ("pattern_mismatch", "Must match the field's pattern as a whole."),
    "minLength": ("too_short", "Must have at least {0} characters."),
    "maxLength": ("too_long", "Must have at most {0} characters."),
    "minItems": ("too_short", "Must have at least {0} items."),
    "maxItems": ("too_long", "Must have at most {0} items."),
    "minProperties": ("too_short", "Must have at least {0} properties."),
    "maxProperties": ("too_long", "Must have at most {0} properties."),
    "minimum": ("too_small", "Must be {0} or more."),
    "maximum": ("too_large", "Must be {0} or less."),
    "exclusiveMinimum": ("too_small", "Must be more than {0}."),
    "exclusiveMaximum": ("too_large", "Must be less than {0}."),
}


@dataclass(frozen=True)
class FieldRule:
    """A field with what it takes to judge its values."""

    field: Field

    @cached_property
    def kind(self) -> FieldType:
        """The field's row of the type table."""
        return field_type(self.field)

    def judge(self, value: Json) -> Json:
        """The canonical form of any JSON value but null; ``RefusedError`` when it breaks type or constraints."""
        try:
            problem = next(self._validator.iter_errors(value), None)
        except UnicodeEncodeError:
            raise SURROGATE from None
        if problem is not None:
            raise self.refusal(problem)
        return self.canonical(value)

    def canonical(self, value: Json) -> Json:
        """The canonical form of a value that the JSON Schema accepts, checked against what the schema cannot say."""
        form = self.kind.canonical(value)
        if self._more:
            comparable = self.kind.comparable(form)
            for fits, refusal in self._more:
                if not fits(comparable):
                    raise refusal
        return form

    @property
    def schema_says_all(self) -> bool:
        """Whether there is nothing beyond schema and canonical form to check."""
        return not self._more

    def refusal(self, problem: Any) -> RefusedError:
        """A validator's error on a value that is not null as code and sentence."""
        word = problem.kind.name
        if "then" in problem.evaluation_path[:4] and self.field.type != "list":
            return RefusedError("json_schema_mismatch", f"Breaks the field's jsonSchema (its rule {word}).")
        return self._of_word(word, getattr(problem.kind, "value", None))

    def _of_word(self, word: str, limit: Json) -> RefusedError:
        own = self.kind.schema
        if word == "pattern" and limit == own.get("pattern"):
            return RefusedError(self.kind.code, self.kind.rule)
        if word in ("minimum", "maximum") and word in own and limit == own[word]:
            return RefusedError("number_out_of_range", f"Must lie between {own['minimum']} and {own['maximum']}.")
        if word in ("minItems", "maxItems", "required", "enum") and (word in own or "properties" in own):
            return RefusedError(self.kind.code, self.kind.rule)
        if word == "enum":
            return self._not_allowed
        if word in _CODES:
            code, sentence = _CODES[word]
            return RefusedError(code, sentence.format(limit))
        return RefusedError(self.kind.code if self.kind.code == "invalid_geopoint" else "invalid_type", self.kind.rule)

    @property
    def _not_allowed(self) -> RefusedError:
        """The refusal of a value that the enum lacks, with the first few that it has."""
        values = self.field.constraints.enum or ()
        shown = [dumps(value).decode() for value in values[:_ALLOWED_SHOWN]]
        texts = [text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}…" for text in shown]
        return _coded("enum", ", ".join(texts) + ", …" * (len(values) > len(shown)))

    @cached_property
    def _validator(self) -> Any:
        return compile_schema(property_schema(self.field, nullable=False))

    @cached_property
    def _more(self) -> tuple[tuple[Callable[[Json], bool], RefusedError], ...]:
        constraints, comparable = self.field.constraints, self.kind.comparable
        checks: list[tuple[Callable[[Json], bool], RefusedError]] = []
        if constraints.enum is not None and not self.kind.as_sent:
            allowed = frozenset(map(comparable, constraints.enum))
            checks.append((allowed.__contains__, self._not_allowed))
        if not bounds_in_schema(self.kind):
            for word, bound in (
                ("minimum", constraints.minimum),
                ("maximum", constraints.maximum),
                ("exclusiveMinimum", constraints.exclusive_minimum),
                ("exclusiveMaximum", constraints.exclusive_maximum),
            ):
                if bound is not None:
                    checks.append((_fits(word, comparable(bound)), _coded(word, bound)))
        return tuple(checks)


def canonical_value(kind: FieldType, value: Json) -> Json:
    """The canonical form of a JSON value of this type, whatever the field; ``RefusedError`` for null and others."""
    if value is None:
        raise REQUIRED
    return _plain_rule(kind.name).judge(value)


@cache
def _plain_rule(name: str) -> FieldRule:
    type_word, _, variant = name.partition("/")
    return FieldRule(Field("value", type_word, "value", variant or "default"))


def _fits(word: str, bound: Json) -> Callable[[Json], bool]:
    tests: dict[str, Callable[[Json], bool]] = {
        "minimum": lambda value: value >= bound,
        "maximum": lambda value: value <= bound,
        "exclusiveMinimum": lambda value: value > bound,
        "exclusiveMaximum": lambda value: value < bound,
    }
    return tests[word]


def _coded(word: str, bound: Json) -> RefusedError:
    code, sentence = _CODES[word]
    return RefusedError(code, sentence.format(bound))
