#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the demo's files as a C source: embed.py FOLDER OUT.c OUT.d

Called by Meson. The depfile names every file, so that an edit of one builds anew.
"""
import os
import sys

OURS = {'make.py', 'embed.py'}


def files_below(folder):
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != '__pycache__')
        for name in sorted(names):
            path = os.path.join(where, name)
            relative = os.path.relpath(path, folder)
            if relative not in OURS:
                yield relative, path


def literal(data):
    """Octal, cut in lines: short to compile and nothing to escape."""
    for at in range(0, len(data), 60):
        yield '"' + ''.join(f'\\{byte:03o}' for byte in data[at:at + 60]) + '"'


def main():
    folder, target, depfile = sys.argv[1:]
    found = sorted(files_below(folder))
    with open(target, 'w') as out:
        out.write('/* made by src/cli/demo_files/embed.py */\n#include "model/init.h"\n\nconst DemoFile demo_files[] = {\n')
        for relative, path in found:
            with open(path, 'rb') as file:
                data = file.read()
            text = '\n          '.join(literal(data)) or '""'
            out.write(f'        {{ "{relative}",\n          {text}, {len(data)} }},\n')
        out.write('};\nconst size_t demo_file_count = sizeof(demo_files) / sizeof(demo_files[0]);\n')
    with open(depfile, 'w') as out:
        out.write(f'{target}: ' + ' '.join(path for _, path in found) + f' {os.path.abspath(__file__)}\n')


main()
