"""Bake's plan: order, waves, groups, and errors that name the place."""

import json
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.bake import (
    CycleInPlanError,
    Plan,
    Target,
    UnknownTargetError,
    read_cache_spec,
    read_plan,
)
from buildkit.drawing import FORMATS, edges
from buildkit.errors import ParseError


def plan(**needs: tuple[str, ...]) -> Plan:
    return Plan({name: Target(name, needs=found) for name, found in needs.items()}, {})


def svg(drawn: Plan) -> ElementTree.Element:
    return ElementTree.fromstring(FORMATS["svg"](drawn))  # noqa: S314 - our own text


SHOP = plan(web=("shared",), api=("base", "shared"), shared=("base",), base=(), docs=())


def test_each_target_comes_after_those_it_needs():
    assert SHOP.waves() == (("base", "docs"), ("shared",), ("api", "web"))
    assert SHOP.order() == ("base", "docs", "shared", "api", "web")


def test_a_cycle_is_shown_whole():
    with pytest.raises(CycleInPlanError) as caught:
        plan(a=("b",), b=("c",), c=("a",), d=("a",)).order()
    cycle = caught.value.cycle
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"a", "b", "c"}
    needs = {"a": "b", "b": "c", "c": "a"}
    assert all(needs[one] == other for one, other in pairwise(cycle))


def test_an_unknown_need_names_who_needs_it():
    with pytest.raises(UnknownTargetError, match="api: it needs the unknown target bass"):
        plan(api=("bass",)).order()


def test_groups_of_groups_expand_once():
    groups = {"all": ("front", "api"), "front": ("web", "api"), "loop": ("loop",)}
    nested = Plan(SHOP.targets, groups)
    assert nested.expand(["all", "web"]) == ("web", "api")
    assert nested.expand(["loop"]) == ()
    assert Plan({"default": Target("default")}, {"default": ("default",)}).expand(["default"]) == (
        "default",
    )
    with pytest.raises(UnknownTargetError, match="nope: there is no such target; there are all"):
        nested.expand(["nope"])


def test_what_bake_prints_is_read():
    printed = {
        "group": {"default": {"targets": ["api"]}},
        "target": {
            "api": {
                "context": "services/api",
                "contexts": {"base": "target:base", "x": "docker-image://y", "b2": "target:base"},
                "target": "runtime",
                "args": {"A": "1"},
                "labels": {"org.opencontainers.image.title": "shop-api"},
                "tags": ["r/api:1"],
                "platforms": ["linux/amd64"],
            },
            "base": {"dockerfile-inline": "FROM scratch"},
        },
    }
    read = read_plan(json.dumps(printed))
    assert read.groups == {"default": ("api",)}
    api = read.targets["api"]
    assert (api.needs, api.context, api.dockerfile) == (("base",), "services/api", "Dockerfile")
    assert (api.stage, api.tags, api.platforms) == ("runtime", ("r/api:1",), ("linux/amd64",))
    assert read.targets["base"].inline == "FROM scratch"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"target": []}', "[" * 100_000])
def test_what_is_no_plan_is_refused(text: str):
    with pytest.raises(ParseError, match=r"^plan: "):
        read_plan(text)


def test_drawings_hold_the_same_edges():
    assert edges(SHOP) == [
        ("base", "shared"),
        ("base", "api"),
        ("shared", "api"),
        ("shared", "web"),
    ]
    assert "2. shared  needs base\n" in FORMATS["text"](SHOP)
    assert FORMATS["mermaid"](SHOP).count("-->") == 4
    assert '"shared" -> "web";' in FORMATS["dot"](SHOP)
    drawn = svg(SHOP)
    assert len(drawn.findall("{*}path")) == 4
    assert [box.text for box in drawn.iter("{http://www.w3.org/2000/svg}text")] == [
        "base",
        "docs",
        "shared",
        "api",
        "web",
    ]


@given(st.text(min_size=1, max_size=40).filter(lambda name: name.isprintable()))
def test_a_strange_name_breaks_no_drawing(name: str):
    one = plan(**{name: ()})
    assert svg(one).findtext(".//{*}title") == name
    assert json.loads(FORMATS["dot"](one).splitlines()[3].strip().removesuffix(";")) == name


def test_caches_are_read_in_each_form_and_shown_without_credentials():
    target = {
        "cache-from": [{"type": "registry", "ref": "r/cache:main"}, "r/other:main"],
        "cache-to": ["type=registry,ref=r/cache:main,mode=max"],
    }
    read = read_plan(json.dumps({"target": {"api": target}})).targets["api"]
    assert [spec.reference for spec in read.cache_from] == ["r/cache:main", "r/other:main"]
    assert [str(spec) for spec in read.cache_to] == ["type=registry,ref=r/cache:main,mode=max"]
    bucket = read_cache_spec("type=s3,bucket=b,secret_access_key=x,session_token=y")
    assert bucket.reference == ""
    assert str(bucket.without_secrets()) == "type=s3,bucket=b"
