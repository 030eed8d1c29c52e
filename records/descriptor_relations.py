"""Foreign keys of a descriptor: what they point at, what happens on delete, what the relations are called."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, get_args

from records.descriptor_fields import RESERVED, Fields, label_mistake
from records.descriptor_keys import field_names
from records.fieldtypes import field_type
from records.limits import KEYS_PER_TABLE
from records.mistakes import Mistakes, join
from records.table import ABSENT, ForeignKey, Json, OnDelete, Table

Resolve = Callable[[str, str], Table | None]
"""(app slug, table name) to the table a foreign key may point at, or None."""
Placed = tuple[str, ForeignKey]
"""A foreign key and its path in the descriptor."""

_WORDS: Final = ("fields", "reference", "x-actions", "x-name", "x-reverse-name", "x-enforced")
_REFERENCE_WORDS: Final = ("resource", "fields")
_ACTION_WORDS: Final = ("onDelete",)
_ACTIONS: Final[tuple[OnDelete, ...]] = get_args(OnDelete)


def parse_foreign_keys(
    source: Mapping[str, Json], own: Table, fields: Fields, resolve: Resolve, mistakes: Mistakes
) -> tuple[Placed, ...]:
    """Every foreign key that could be read, with its path."""
    found = []
    for index, given in enumerate(mistakes.array("", source, "foreignKeys", KEYS_PER_TABLE)):
        path = f"foreignKeys[{index}]"
        if not isinstance(given, dict) or not isinstance(given.get("reference"), dict):
            message = 'must be {"fields": …, "reference": {"resource": table, "fields": …}}.'
            mistakes.add(path, "invalid_foreign_key", message)
            continue
        mistakes.words(path, given, _WORDS)
        names = field_names(join(path, "fields"), given.get("fields"), fields, mistakes)
        target = _target(join(path, "reference"), given["reference"], own, resolve, mistakes)
        target_names = _target_names(join(path, "reference"), given["reference"], target, mistakes)
        if names is None or target is None or target_names is None:
            continue
        foreign_key = ForeignKey(
            fields=names,
            target_app=target.identity.app,
            target_table=target.identity.name,
            target_fields=target_names,
            on_delete=_on_delete(path, given, mistakes),
            name=_relation_name(path, given, "x-name", mistakes),
            reverse_name=_relation_name(path, given, "x-reverse-name", mistakes),
            enforced=mistakes.flag(path, given, "x-enforced", default=True),
            store=target.identity.store,
        )
        _check_fit(path, foreign_key, fields, target, mistakes)
        _check_reverse_name(path, foreign_key, target, mistakes)
        _check_action(join(path, "x-actions.onDelete"), foreign_key, own, fields, mistakes)
        found.append((path, foreign_key))
    return tuple(found)


def check_relation_names(foreign_keys: Sequence[Placed], own: Table, mistakes: Mistakes) -> None:
    """A relation's name must not meet a field, another relation, or another declared reverse name of this table."""
    labels = own.by_name.keys()
    forward: dict[str, str] = {}
    reverse: dict[tuple[str, str, str], str] = {}
    for path, foreign_key in foreign_keys:
        name = foreign_key.relation
        if name in labels and (name,) != foreign_key.fields:
            mistakes.add(
                path, "relation_name_taken", f'its relation "{name}" is called like a field; give it an x-name.'
            )
        other = forward.setdefault(name, path)
        if other != path:
            mistakes.add(path, "relation_name_taken", f'its relation "{name}" is that of {other}; give it an x-name.')
    for path, foreign_key in foreign_keys:
        name = foreign_key.reverse_name or ""
        target = (foreign_key.target_app, foreign_key.target_table)
        itself = target == (own.identity.app, own.identity.name)
        other = reverse.setdefault((*target, name), path)
        if name and (other != path or (itself and name in forward and name not in labels)):
            message = f'"{name}" is taken in {foreign_key.target_table}; choose another.'
            mistakes.add(join(path, "x-reverse-name"), "relation_name_taken", message)


def _target(path: str, reference: Mapping[str, Json], own: Table, resolve: Resolve, mistakes: Mistakes) -> Table | None:
    mistakes.words(path, reference, _REFERENCE_WORDS)
    resource = reference.get("resource", "")
    if not isinstance(resource, str):
        mistakes.add(join(path, "resource"), "invalid_foreign_key", "must be the name of a table.")
        return None
    app, _, name = resource.rpartition(":")
    app = app or own.identity.app
    if (app, name or own.identity.name) == (own.identity.app, own.identity.name):
        return own
    target = resolve(app, name)
    if target is None:
        message = 'there is no such table; use the name of a table of this app, "" for this table, or "app:table".'
        mistakes.add(join(path, "resource"), "fk_target_unknown", message)
    return target


def _target_names(
    path: str, reference: Mapping[str, Json], target: Table | None, mistakes: Mistakes
) -> tuple[str, ...] | None:
    if target is None:
        return None
    declared = Fields(target.fields)
    return field_names(join(path, "fields"), reference.get("fields"), declared, mistakes)


def _on_delete(path: str, given: Mapping[str, Json], mistakes: Mistakes) -> OnDelete:
    path = join(path, "x-actions")
    actions = given.get("x-actions", {})
    if not isinstance(actions, dict):
        mistakes.add(path, "invalid_foreign_key", 'must be {"onDelete": action}.')
        return "NO ACTION"
    mistakes.words(path, actions, _ACTION_WORDS)
    action = actions.get("onDelete", "NO ACTION")
    for known in _ACTIONS:
        if action == known:
            return known
    mistakes.add(join(path, "onDelete"), "invalid_foreign_key", f"must be one of {', '.join(_ACTIONS)}.")
    return "NO ACTION"


def _relation_name(path: str, given: Mapping[str, Json], word: str, mistakes: Mistakes) -> str | None:
    if word not in given:
        return None
    name = given[word]
    mistake = label_mistake(name)
    if mistake or name in RESERVED:
        mistakes.add(join(path, word), "invalid_label", mistake or "is the name of a system column; choose another.")
        return None
    return str(name)


def _check_reverse_name(path: str, foreign_key: ForeignKey, target: Table, mistakes: Mistakes) -> None:
    if foreign_key.reverse_name in target.by_name:
        message = f'"{foreign_key.reverse_name}" is a field of {target.identity.name}; choose another.'
        mistakes.add(join(path, "x-reverse-name"), "relation_name_taken", message)


def _check_fit(path: str, foreign_key: ForeignKey, fields: Fields, target: Table, mistakes: Mistakes) -> None:
    at = join(path, "reference.fields")
    if len(foreign_key.fields) != len(foreign_key.target_fields):
        mistakes.add(at, "fk_mismatch", "must name as many fields as the foreign key has.")
        return
    # Without any key the target itself has mistakes; those are told already.
    if target.primary_key and set(foreign_key.target_fields) not in [set(unique) for unique in target.uniques]:
        mistakes.add(at, "fk_mismatch", "must be the primary key or a unique constraint of the table.")
    for mine, theirs in zip(foreign_key.fields, foreign_key.target_fields, strict=True):
        if mine not in fields.by_name or theirs not in target.by_name:
            continue
        if fields.by_name[mine].type == "duration":
            message = f'"{mine}" is a duration, which cannot refer to a row; use another type.'
            mistakes.add(join(path, "fields"), "invalid_foreign_key", message)
            continue
        here, there = field_type(fields.by_name[mine]), field_type(target.by_name[theirs])
        if (fields.by_name[mine].type, here.postgres) != (target.by_name[theirs].type, there.postgres):
            mistakes.add(at, "fk_mismatch", f'"{mine}" is {here.name}, "{theirs}" is {there.name}; use the same type.')


def _check_action(path: str, foreign_key: ForeignKey, own: Table, fields: Fields, mistakes: Mistakes) -> None:
    action = foreign_key.on_delete
    if not foreign_key.enforced and action != "NO ACTION":
        mistakes.add(path, "invalid_foreign_key", "needs the constraint; leave it out, or x-enforced: false.")
    known = [fields.by_name[name] for name in foreign_key.fields if name in fields.by_name]
    if action == "SET NULL" and any(field.required or field.name in own.primary_key for field in known):
        mistakes.add(path, "invalid_foreign_key", "SET NULL needs fields that are not required and not the key.")
    if action == "SET DEFAULT" and any(field.default is ABSENT for field in known):
        mistakes.add(path, "invalid_foreign_key", "SET DEFAULT needs a default on every field of the foreign key.")
