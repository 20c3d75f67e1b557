#!/usr/bin/env python3
"""Ten thousand photos in nested folders, with every odd thing that photo folders hold among them: one run of `cluster`
and one of `gallery add`, with their times and memory, and whether each odd thing is named once.

    bench/many_photos.py LIKENESS PEOPLE [--photos 10000] [--keep FOLDER] [--threads N]

PEOPLE: a folder of PERSON/photos in JPEG, e.g. ../shared/data/lfw-view1/images. Each photo is taken as it is, and once
more a level or two deeper with an Exif tag that turns it into its mirror image, then with a comment, until there are
enough. All is made in a temporary folder that is removed. As root, the program runs as another user, for whom files can
be unreadable. Exit code 1 where something odd is not named, or more than once.
"""
import argparse
import os
import pathlib
import pwd
import shutil
import struct
import subprocess
import sys
import tempfile

import processes

# Exif with one entry: orientation 2, mirrored.
EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x112, 3, 1, 2, 0) + bytes(4)
MIRRORED = b"\xff\xe1" + struct.pack(">H", len(EXIF) + 2) + EXIF
COMMENT = b"\xff\xfe\0\x07again"


def with_segment(source, segment):
    """The JPEG with a segment more."""
    jpeg = source.read_bytes()
    return jpeg[:2] + segment + jpeg[2:]


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def ordinary(people, root, count):
    """The photos of PEOPLE, plain, mirrored and with a comment; their number."""
    sources = sorted(path for path in people.glob("*/*") if path.suffix.lower() in (".jpg", ".jpeg"))
    made = 0
    for turn in range(3):
        for number, source in enumerate(sources):
            if made == count:
                return made
            person = root / source.parent.name
            if turn == 0:
                write(person / source.name, source.read_bytes())
            else:
                deeper = person / ("2019", "phone/holiday")[number % 2] / f"{turn}_{source.name}"
                write(deeper, with_segment(source, (MIRRORED, COMMENT)[turn - 1]))
            made += 1
    return made


def deep_folder(root, photo):
    """A photo below a path that is longer than the system takes."""
    here = os.open(root, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("x" * 250, dir_fd=here)
        deeper = os.open("x" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    file = os.open("photo.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=here)
    os.write(file, photo)
    os.close(file)
    os.close(here)


def odd_things(sources, root, outside):
    """Puts them among the photos. Words of which each has to stand in one line of the output: those for `cluster`,
    those for `gallery add` besides; and the number of photos that were added."""
    jpeg = [with_segment(path, COMMENT + COMMENT) for path in sources[:40]]
    ann = root / "Ann_Odd"
    person = root / sources[0].parent.name
    words = []

    def odd(path, word=None):
        words.append(word or str(path))
        return path

    # Folders that are no photo folders.
    write(root / ".hidden" / "a.jpg", jpeg[0])
    write(ann / ".thumbnails" / "a.jpg", jpeg[0])
    write(person / "@eaDir" / "a.jpg" / "SYNOPHOTO_THUMB_M.jpg", jpeg[0])
    write(root / "#recycle" / "a.jpg", jpeg[0])
    write(ann / "private" / ".nomedia", b"")
    write(ann / "private" / "a.jpg", jpeg[0])
    write(root / "report" / ".likeness-output", b"likeness\n*\n")
    write(root / "report" / "cluster_0.png", jpeg[0])
    words += [".hidden", "Ann_Odd/.thumbnails", f"{person.name}/@eaDir", "#recycle", "Ann_Odd/private", "report"]
    # Links: to a folder outside, which is read; to what is read already; round in a circle; to themselves; to nothing.
    write(outside / "linked.jpg", jpeg[1])
    (root / "Linked_Person").symlink_to(outside)
    (root / "Same_Person").symlink_to(person)
    (ann / "around").symlink_to("..")
    (ann / "itself").symlink_to("itself")
    (odd(ann / "itself.jpg")).symlink_to("itself.jpg")
    (odd(ann / "gone.jpg")).symlink_to("nowhere.jpg")
    words += ["Same_Person", "Ann_Odd/around", str(ann / "itself:")]
    # Files that cannot be read, or are not what they are called.
    write(odd(ann / "forbidden.jpg"), jpeg[2])
    (ann / "forbidden.jpg").chmod(0)
    write(odd(ann / "closed", f"{ann / 'closed'}:") / "a.jpg", jpeg[2])
    (ann / "closed").chmod(0)
    write(odd(ann / "half.jpg"), jpeg[3][: len(jpeg[3]) // 2])
    write(odd(ann / "begun.jpg"), jpeg[3][:100])
    write(odd(ann / "empty.jpg"), b"")
    write(odd(ann / "words.jpg"), b"no photo\n" * 100)
    os.mkfifo(ann / "pipe.jpg")
    write(ann / "IMG_1.CR2", b"II*\0")
    write(ann / "IMG_2.dng", b"II*\0")
    write(ann / "notes.txt", b"of the summer\n")
    write(ann / "film.mov", b"moov")
    words += [".cr2 1", ".dng 1", ".txt 2", ".mov 1"]
    # Names: the same stem, blanks, line breaks, bytes that are no text, as long as they get, too long as a path.
    names = ["same.jpg", "same.jpeg", "same.JPG", "same.png", "with blanks and ä.jpg", "line\nbreak.jpg", "-o.jpg",
             "y" * 251 + ".jpg"]
    for name, data in zip(names, jpeg[10:]):
        write(ann / name, data)
    write(pathlib.Path(os.fsdecode(bytes(ann) + b"/bytes\xff\xfe.jpg")), jpeg[20])
    deep_folder(ann, jpeg[21])
    words.append("xxx: File name too long")
    # People: one without photos, one with a text only, a photo of nobody.
    (root / "Empty_Person").mkdir()
    write(root / "Text_Person" / "notes.txt", b"to come\n")
    write(root / "loose.jpg", jpeg[22])
    enrol = [str(root / "Empty_Person"), str(root / "Text_Person"), str(root / "loose.jpg")]
    # One name composed and decomposed; with a blank behind; of blanks alone.
    for name, data in zip(("Jos\u00e9_Odd", "Jose\u0301_Odd", "Jos\u00e9_Odd "), jpeg[30:]):
        write(root / name / "a.jpg", data)
    write(root / "  " / "a.jpg", jpeg[35])
    return words, enrol, len(names) + 12


def run(command, folder, user):
    """What it took, and what it said."""
    if os.getuid() == 0:
        shutil.chown(folder, user)
        command = ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups", *command]
    with open(folder / "said", "wb") as said:
        ran = processes.run(command, stdout=said, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                            env=os.environ | {"XDG_CACHE_HOME": str(folder / "cache")})
    return ran, (folder / "said").read_bytes()


def wrong_words(said, words):
    """Of the words that should stand in one line each, those that do not."""
    wrong = []
    for word in words:
        times = sum(os.fsencode(word) in line for line in said.splitlines())
        if times != 1:
            wrong.append(f"{word!r}: named {times} times")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("likeness", type=pathlib.Path)
    parser.add_argument("people", type=pathlib.Path)
    parser.add_argument("--photos", type=int, default=10000)
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for what the two runs said")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--user", default="nobody", help="whom the program runs as, where root starts this")
    args = parser.parse_args()
    likeness, people = args.likeness.absolute(), args.people.absolute()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="many_photos."))
    folder.chmod(0o755)
    failed = False
    try:
        root, outside, work = folder / "photos", folder / "outside", folder / "work"
        root.mkdir()
        work.mkdir()
        sources = sorted(people.glob("*/*.jpg"))
        words, enrol, odd = odd_things(sources, root, outside)
        count = ordinary(people, root, args.photos - odd) + odd
        commands = {"cluster": ["cluster", root], "gallery add": ["gallery", "add", root, "--gallery", work / "g"]}
        print(f"{count} photos\n\n| command | on the clock | processor | peak memory | exit code |\n|" + "---|" * 5)
        notes = []
        for name, command in commands.items():
            ran, said = run([likeness, *command, "--threads", args.threads], work, args.user)
            print(f"| `{name}` | {ran.seconds:.1f} s | {ran.processor:.1f} s | {ran.peak_mb:.0f} MB | {ran.code} |", flush=True)
            if args.keep:
                args.keep.mkdir(parents=True, exist_ok=True)
                (args.keep / f"{name.replace(' ', '_')}.txt").write_bytes(said)
            wrong = wrong_words(said, words + (enrol if name == "gallery add" else []))
            wrong += [] if ran.code == 1 else [f"exit code {ran.code}, not 1"]
            notes += [f"{name}: {line}" for line in wrong]
            sums = [line for line in said.splitlines() if b" unreadable -> " in line or b" left aside " in line]
            notes.append(f"{name}: {os.fsdecode(sums[-1] if sums else said[-300:])}")
            failed = failed or bool(wrong)
        print("\n" + "\n".join(notes))
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", folder], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", folder], check=True)
    sys.exit(1 if failed else 0)


main()
