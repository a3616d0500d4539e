"""Make router/data/tekken.bin, the vocabulary that counts tokens, from the mistral-common package.

The package's tekken files are 15–19 MB of JSON and its import costs seconds; the 130,072 byte strings in them are all
that counting needs. They are packed as one length byte and that many bytes each, in rank order, and compressed.

    pip install mistral-common && python tools/make_vocabulary.py [--check]

`--check` compares with the file in the tree instead of writing it. Source: mistral-common (Apache-2.0), data file
tekken_240911.json; tekken_240718.json holds the same ranks. See router/data/NOTICE.
"""

import base64
import importlib.resources
import json
import pathlib
import sys
import zlib

TARGET = pathlib.Path(__file__).parent.parent / "router" / "data" / "tekken.bin"


def packed() -> bytes:
    source = importlib.resources.files("mistral_common") / "data" / "tekken_240911.json"
    content = json.loads(source.read_text())
    config = content["config"]
    ranks = config["default_vocab_size"] - config["default_num_special_tokens"]
    tokens = [base64.b64decode(entry["token_bytes"]) for entry in content["vocab"][:ranks]]
    pattern = config["pattern"].encode()
    # The pattern goes first, behind a two-byte length, so that the file is all that a counter needs.
    body = len(pattern).to_bytes(2, "big") + pattern + b"".join(bytes([len(token)]) + token for token in tokens)
    return zlib.compress(body, 9)


def main() -> None:
    new = packed()
    if "--check" in sys.argv:
        same = zlib.decompress(TARGET.read_bytes()) == zlib.decompress(new)
        sys.exit(None if same else f"{TARGET} differs from the package's vocabulary: run without --check")
    TARGET.write_bytes(new)
    print(f"{TARGET}: {len(new):,} bytes")


if __name__ == "__main__":
    main()
