"""src/api/embed.py OUTPUT FILE... - files that describe the API, as C for api/openapi.h:
api_openapi() for openapi.json. JSON loses its blanks."""
import json
import os
import sys


def function(path):
    name = os.path.splitext(os.path.basename(path))[0]
    with open(path, encoding="utf-8") as f:
        text = json.dumps(json.load(f), separators=(",", ":")) + "\n"
    data = text.encode()
    lines = [",".join(map(str, data[at:at + 32])) for at in range(0, len(data), 32)]
    return ("static const unsigned char %s_bytes[] = {\n%s\n};\n\nslice api_%s(void)\n{\n"
            "\treturn slice_of(%s_bytes, sizeof %s_bytes);\n}\n" % (name, ",\n".join(lines), name, name, name))


def main(output, paths):
    with open(output, "w", encoding="utf-8") as f:
        f.write('#include "api/openapi.h"\n\n' + "\n".join(map(function, paths)))


main(sys.argv[1], sys.argv[2:])
