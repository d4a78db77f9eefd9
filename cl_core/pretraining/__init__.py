"""The small CLIP's training on drawings and captions (METHOD.md §8): captions, pictures, steps."""
