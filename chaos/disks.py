"""Small file systems that can be filled and freed at will: tmpfs, so root and Linux are needed."""

import os
import shutil
import subprocess
from pathlib import Path

ROOMY = "8g"
PAGE = 4096


class Disk:
    """A directory on a file system of its own where the machine allows that, else a plain one; `small` says which."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.small = False

    def mount(self) -> None:
        """Makes the directory, on a file system of its own if it can."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.small = os.geteuid() == 0 and _run("mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "chaos", self.directory)

    def fill(self) -> None:
        """Leaves no room; raises OSError when the file system can't be made so small."""
        used = os.statvfs(self.directory)
        taken = (used.f_blocks - used.f_bfree) * used.f_frsize + PAGE
        if not _run("mount", "-o", f"remount,size={taken}", self.directory):
            raise OSError(f"{self.directory} can't be filled")

    def free(self) -> None:
        """Gives the room back."""
        _run("mount", "-o", f"remount,size={ROOMY}", self.directory)

    def unmount(self) -> None:
        """Gives the file system up, with all that is on it."""
        if self.small:
            _run("umount", "--lazy", self.directory)


def _run(program: str, *arguments: str | Path) -> bool:
    found = shutil.which(program)
    if found is None:
        return False
    command = [found, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
