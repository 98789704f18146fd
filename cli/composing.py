"""What a compose file may not say where definitions are confined."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from cli.errors import UsageError

_BAKE = (".hcl", ".json")
_COMPOSE = (".yaml", ".yml")


class _AnyTag(yaml.SafeLoader):
    """Reads compose's own tags, such as ``!override``, as what they stand before."""


def _untagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_AnyTag.add_multi_constructor("!", _untagged)


def check_compose(path: Path) -> None:
    """Refuse a compose file that has others read, wherever these are.

    Bake tells by the ending what a file is, and tries both on any other: such are refused.

    Raises:
        UsageError: names the file and what it says.
    """
    if path.suffix.lower() in _BAKE:
        return
    if path.suffix.lower() not in _COMPOSE:
        raise UsageError(f"{path}: a definition must end in .hcl, .json, .yaml or .yml here.")
    try:
        documents = list(yaml.load_all(path.read_text(), _AnyTag))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{path}: this compose file cannot be read: {error}") from error
    for document in documents:
        for field in _reading(document):
            raise UsageError(f"{path}: {field} is not allowed here: it reads another file.")


def _reading(document: object) -> Iterator[str]:
    """Yield the fields that have another file read on this machine."""
    if not isinstance(document, Mapping):
        return
    if document.get("include"):
        yield "include"
    services = document.get("services")
    for name, service in services.items() if isinstance(services, Mapping) else ():
        if not isinstance(service, Mapping):
            continue
        extends = service.get("extends")
        if isinstance(extends, Mapping) and extends.get("file"):
            yield f"services.{name}.extends.file"
        if service.get("env_file"):
            yield f"services.{name}.env_file"
