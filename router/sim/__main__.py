"""`python -m router.sim`: the simulator from a command line."""

import argparse
import sys

from router.sim.server import run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m router.sim", description="A simulated Mistral API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one and prints it")
    parser.add_argument(
        "--profile", choices=("current", "seed"), default="current", help="today's API, or the early one"
    )
    parser.add_argument("--wide", action="store_true", help="rate windows too wide to meet")
    parser.add_argument("--latency-ms", type=float, default=0, help="time to the first token")
    parser.add_argument("--token-ms", type=float, default=0, help="time per token")
    parser.add_argument("--regional", action="store_true", help="bill as a regional host does")
    parser.add_argument("--labs", action="store_true", help="grant access to labs models")
    parser.add_argument("--gzip", action="store_true", help="compress plain answers for clients that accept it")
    parser.add_argument("--die-with-parent", action="store_true", help="stop when the starting process ends")
    options = parser.parse_args()
    try:
        run(
            host=options.host,
            port=options.port,
            profile=options.profile,
            wide=options.wide,
            first_token_ms=options.latency_ms,
            per_token_ms=options.token_ms,
            regional=options.regional,
            labs=options.labs,
            gzip=options.gzip,
            die_with_parent=options.die_with_parent,
        )
    except OSError as error:
        sys.exit(f"Cannot listen on {options.host}:{options.port}: {error.strerror}. Choose another with --port.")


if __name__ == "__main__":
    main()
