"""`clip`: the pretrained weights that open_clip knows of an architecture; and, when asked, fetching some."""

import argparse


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("clip", help="list the pretrained weights of a CLIP of open_clip, or fetch some")
    parser.add_argument("name", help="an architecture, such as ViT-B-32")
    parser.add_argument("--fetch", metavar="TAG", help="fetch the weights of this tag over the internet")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """List the tags, or fetch one. Raises ConfigError for an unknown name, or when it cannot be fetched."""
    from cl_core import memory
    from cl_core.backbones import architectures, clip_weights
    from cl_core.config import ConfigError

    if args.name == architectures.SMALL:
        raise ConfigError(f"The weights of {args.name} come with the program.")
    tags = architectures.tags_of(args.name)
    size = memory.in_words(architectures.bytes_of(args.name))
    if args.fetch is None:
        print(
            f"{args.name}, about {size}; `--fetch TAG` fetches weights, and `--set network.checkpoint=TAG` uses them."
        )
        for tag in tags:
            here = architectures.file_of(architectures.tag_of(args.name, tag)) is not None
            print(f"{tag:<40} {'on this computer' if here else ''}".rstrip())
        return
    if args.fetch not in tags:
        raise ConfigError(f"{args.name} has no weights “{args.fetch}”; there are {', '.join(tags) or 'none'}.")
    if clip_weights.to_fetch(args.name, args.fetch) is None:
        print(f"The weights {args.fetch} of {args.name} are on this computer already.")
        return
    print(f"Fetching the weights {args.fetch} of {args.name}, about {size}.")
    clip_weights.fetch(args.name, args.fetch)
    print("Fetched.")
