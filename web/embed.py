"""web/embed.py OUTPUT FILE... - the page's files as a C table, for src/http/assets.h.

Each with its media type, a tag that changes with its bytes, and the bytes twice: as they
are, and in gzip. The same files make the same table.
"""
import gzip
import hashlib
import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def array(name, data):
    lines = [",".join(map(str, data[at:at + 32])) for at in range(0, len(data), 32)]
    return "static const unsigned char %s[] = {\n%s\n};\n" % (name, ",\n".join(lines))


def table(paths):
    arrays, rows = [], []
    for n, path in enumerate(sorted(paths, key=os.path.basename)):
        name = os.path.basename(path)
        with open(path, "rb") as f:
            data = f.read()
        packed = gzip.compress(data, 9, mtime=0)
        tag = hashlib.sha256(data).hexdigest()[:16]
        arrays += [array("plain_%d" % n, data), array("gzip_%d" % n, packed)]
        rows.append('\t{ "%s", "%s", "W/\\"%s\\"",\n\t    { plain_%d, sizeof plain_%d }, { gzip_%d, sizeof gzip_%d } },\n'
                    % (name, TYPES[os.path.splitext(name)[1]], tag, n, n, n, n))
    return "".join(['#include "http/assets.h"\n\n', *arrays,
                    "\nconst struct http_asset http_assets[] = {\n", *rows, "};\n",
                    "const size_t http_assets_n = %d;\n" % len(rows)])


def main(output, paths):
    with open(output, "w") as f:
        f.write(table(paths))


main(sys.argv[1], sys.argv[2:])
