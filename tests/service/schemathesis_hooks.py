# SPDX-License-Identifier: Apache-2.0
"""What schemathesis cannot know: bytes that are no JSON. Statements and batches are made by the harness, good ones and damaged
ones; concise problem details are read as the document describes them."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
import schemathesis  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

WORLD = harness.World(folder=os.environ.get("MUN_WORLD", "/nonexistent"), keep=True)
STATEMENTS = [WORLD.statement(f"made up {n}", bytes([n])) for n in range(8)]


@st.composite
def sequences(draw):
    return b"".join(draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=5)))


schemathesis.openapi.media_type("application/cose", st.sampled_from(STATEMENTS))
schemathesis.openapi.media_type("application/scitt-statement+cose", st.sampled_from(STATEMENTS))
schemathesis.openapi.media_type("application/cbor-seq", sequences())


@schemathesis.serializer("application/cose", "application/scitt-statement+cose", "application/cbor-seq")
def as_bytes(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.deserializer(harness.PROBLEM_CBOR)
def concise(context, response):
    return {str(key): value for key, value in harness.cbor.decode(response.content, strict=True).items()}
