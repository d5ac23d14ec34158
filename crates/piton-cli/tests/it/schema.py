"""Check JSON documents against a JSON Schema: schema.py SCHEMA DOCUMENT...

It knows the keywords that the schema uses, by the words of the specification (2020-12), and refuses a schema that
uses others. One line for each document: what is wrong first, or `valid`.
"""

import json
import re
import sys

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
ANNOTATIONS = {"$schema", "$defs", "title", "description"}


class Invalid(Exception):
    pass


def check(schema, value, place, root):
    def fail(why):
        raise Invalid(f"{place}: {why}")

    for keyword, given in schema.items():
        if keyword in ANNOTATIONS:
            continue
        elif keyword == "$ref":
            found = root
            for part in given.removeprefix("#/").split("/"):
                found = found[part]
            check(found, value, place, root)
        elif keyword == "type":
            names = given if isinstance(given, list) else [given]
            if not any(TYPES[name](value) for name in names):
                fail(f"expected {given}")
        elif keyword == "const":
            if value != given:
                fail(f"expected {given}")
        elif keyword == "enum":
            if value not in given:
                fail(f"expected one of {given}")
        elif keyword == "pattern":
            if isinstance(value, str) and not re.search(given.replace("$", r"\Z"), value):
                fail("does not match")
        elif keyword == "minLength":
            if isinstance(value, str) and len(value) < given:
                fail("too short")
        elif keyword == "maxLength":
            if isinstance(value, str) and len(value) > given:
                fail("too long")
        elif keyword == "minimum":
            if isinstance(value, int) and value < given:
                fail("too small")
        elif keyword == "maximum":
            if isinstance(value, int) and value > given:
                fail("too large")
        elif keyword == "required":
            for name in given:
                if isinstance(value, dict) and name not in value:
                    fail(f"lacks {name}")
        elif keyword == "dependentRequired":
            for name, others in given.items():
                if isinstance(value, dict) and name in value:
                    for other in others:
                        if other not in value:
                            fail(f"lacks {other}")
        elif keyword == "properties":
            if isinstance(value, dict):
                for name, below in given.items():
                    if name in value:
                        check(below, value[name], f"{place}/{name}", root)
        elif keyword == "items":
            if isinstance(value, list):
                for index, item in enumerate(value):
                    check(given, item, f"{place}/{index}", root)
        else:
            sys.exit(f"the keyword {keyword} is not known here")


def properties(schema):
    """All names that the schema describes."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for below in schema.values():
            yield from properties(below)


def fields(value):
    """All names that a document uses."""
    if isinstance(value, dict):
        yield from value
        for below in value.values():
            yield from fields(below)
    elif isinstance(value, list):
        for below in value:
            yield from fields(below)


with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
for name in sys.argv[2:]:
    with open(name, encoding="utf-8") as file:
        document = json.load(file)
    unknown = set(fields(document)) - set(properties(schema))
    try:
        check(schema, document, "", schema)
        print(f"not described: {sorted(unknown)}" if unknown else "valid")
    except Invalid as why:
        print(why)
