// Run notebooks of the browser edition under Node: node pyodide_smoke.mjs PYODIDE WHEELS NOTEBOOK...
// Prints one line of JSON a notebook: see pyodide_smoke.py.
import fs from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";

const [pyodide, wheels, ...notebooks] = process.argv.slice(2).map(name => path.resolve(name));
const {loadPyodide} = await import(pathToFileURL(path.join(pyodide, "pyodide.mjs")));
const python = await loadPyodide({indexURL: pyodide + path.sep});
await python.loadPackage(["numpy", "matplotlib", "pillow", "ipython", "packaging", "traitlets"],
                         {messageCallback: () => {}});
python.mountNodeFS("/wheels", wheels);
python.mountNodeFS("/notebooks", path.dirname(notebooks[0]));
python.runPython(fs.readFileSync(new URL("pyodide_smoke.py", import.meta.url), "utf8"));
const run = python.globals.get("run");
for (const notebook of notebooks) console.log(run("/notebooks/" + path.basename(notebook)));
