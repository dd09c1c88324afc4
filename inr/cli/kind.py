"""What kind of signal a path is."""

from glob import has_magic
from pathlib import Path

# Of files that nothing reads, what they are by their names: who reads those says what is wrong.
SUFFIXES = {
    "shape": (".obj", ".ply", ".stl", ".off", ".glb", ".gltf"),
    "point_cloud": (".xyz", ".xyzn", ".pts"),
    "volume": (".npy", ".nii", ".h5", ".hdf5", ".zarr", ".dcm"),
    "audio": (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"),
    "video": (".mp4", ".mkv", ".avi", ".mov", ".webm"),
    "function": (".csv", ".npz", ".txt"),
}


def find_kind(path: Path) -> str:
    """The member of the family of signals that reads a path: an image, if nothing else does.

    Told from the content, of which little is read, and where that says nothing, from the name; a
    folder or a pattern of images is a set.
    """
    if not path.exists():
        return "image_set" if has_magic(str(path)) else _kind_by_name(path)
    from inr.volume import is_volume

    if path.is_dir():
        return "volume" if is_volume(path) else "image_set"
    from inr import mesh
    from inr.sound import is_sound
    from inr.table import is_table
    from inr.video import is_video

    if is_video(path):
        return "video"
    if is_sound(path):
        return "audio"
    shape = mesh.find_kind(path)
    if shape is not None:
        return "shape" if shape == "mesh" else shape
    if is_table(path):
        return "function"
    if is_volume(path):
        return "volume"
    return _kind_by_name(path)


def _kind_by_name(path: Path) -> str:
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    return next((kind for kind, known in SUFFIXES.items() if suffix in known), "image")
