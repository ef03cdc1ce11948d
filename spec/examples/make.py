"""Makes the worked examples beside it, by omega.py and ed25519.py alone.

The program that they are to test has no part in it.

python3 spec/examples/make.py           compares the files with what it makes; exit status 1 where they differ
python3 spec/examples/make.py --write   writes them
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True

import cases_chains
import cases_events

HERE = pathlib.Path(__file__).parent

MADE = {
    "keys": cases_events.keys,
    "events": cases_events.events,
    "files": cases_events.files,
    "fixed": cases_events.fixed,
    "merkle": cases_events.trees,
    "batches": cases_chains.batches,
    "certificates": cases_chains.certificates,
    "breaches": cases_chains.breaches,
    "signatures": cases_chains.signatures,
    "quorum": cases_chains.quorum,
    "identities": cases_chains.identities,
}


def main():
    different = []
    for name, make in MADE.items():
        text = json.dumps(make(), indent=1) + "\n"
        path = HERE / f"{name}.json"
        if "--write" in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            different.append(path.name)
    if different:
        sys.exit(f"these files are not what the specification gives: {', '.join(different)}")


main()
