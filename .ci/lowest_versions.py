"""Print the lowest version of each dependency of the package and of its plots, but torch's."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
for wanted in [*project["dependencies"], *project["optional-dependencies"]["plot"]]:
    found = re.fullmatch(r"([\w-]+)>=([\d.]+)", wanted)
    if found[1] != "torch":
        print(f"{found[1]}=={found[2]}")
# The lowest matplotlib calls it by names that later ones warn about.
print("pyparsing<3.3")
