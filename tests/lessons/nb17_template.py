"""The template of notebook 17, filled in by students: its own cells are run, with what students put into them."""

import inspect
from pathlib import Path

import nbformat

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "17_final_project.ipynb"
STARTER = "imports", "imports-torch", "loop-net", "loop-train", "loop-right", "diagnosis-read", "diagnosis-def"


def cells():
    """{id: source} of the code."""
    return {cell.id: cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"}


def filled(filling, updates):
    """[(id, source)] of starter code and template, where a student has put {id: {old: new}} or {id: source}."""
    code = cells()
    code["diagnosis-read"] = code["diagnosis-read"].partition("\nfor step")[0]  # what follows is the example's
    code = {id: source for id, source in code.items() if id in STARTER or id.startswith("yours-")}
    for id, put in filling.items():
        for old, new in (put.items() if isinstance(put, dict) else [(code[id], put)]):
            assert code[id].count(old) == 1, f"{id}: {old!r} is not what the template has"
            code[id] = code[id].replace(old, new)
    return [("updates", f"UPDATES = {updates}"), *code.items()]


def run(filling, updates=500, names=None):
    """Run the template in an order of its own, as a kernel does; return the names."""
    names = {} if names is None else names
    for id, source in filled(filling, updates):
        exec(compile(source, id, "exec"), names)
    return names


def task(make, new=None, step=1):
    """The cell of a task, as a student would write it."""
    source = inspect.getsource(make).replace(f"def {make.__name__}(", "def my_task(")
    source += f"\nmy_new, my_step = {new.__name__ if new else None}, {step}\n"
    return source + "print(rubric.look(my_task, distance=5, new=my_new))"


def network(inputs, classes):
    """What replaces the template's network of 7 inputs and 3 classes."""
    return {"Net(nn.RNN(7, 32), classes=3)": f"Net(nn.RNN({inputs}, 32), classes={classes})"}


ECHO = '''
def my_task(distance, batch, rng):
    """Which was the first of four signs (A to D)? Then distractors, E to H. x (distance + 4, batch, 8)."""
    signs = rng.integers(4, size=(distance + 4, batch))
    signs[4:] += 4
    return np.eye(8)[signs], signs[0]

my_new, my_step = None, 1
print(rubric.look(my_task, distance=20, new=my_new))
'''

CURES = '''
def my_orthogonal():
    net = my_plain()
    nn.init.orthogonal_(net.rnn.weight_hh_l0)
    return net

def my_lstm(added):
    net = Net(nn.LSTM(INPUTS, 32), classes=CLASSES)
    with torch.no_grad():
        net.rnn.bias_ih_l0[32:64] += added
    return net

'''

GOOD = {
    "yours-task": ECHO,
    "yours-criterion-cell": {".33, .90, range(5)": ".25, .50, range(5)"},
    "yours-failure-cell": network(8, 4) | {"[], {}   ": "[3, 25], {}   "},
    "yours-predictions-cell": CURES.replace("INPUTS", "8").replace("CLASSES", "4") + '''
my_methods = {"clipped": Recipe(my_plain, max_norm=.1), "orthogonal": my_orthogonal, "LSTM + 3": lambda: my_lstm(3),
              "LSTM + 4": lambda: my_lstm(4), "largest": lambda: Net(nn.RNN(8, 32), classes=4, largest=True)}
my_predictions = {"clipped": False, "orthogonal": True, "LSTM + 3": True, "LSTM + 4": True,
                  "largest": True}
print(my_study.seal(my_predictions, my_success))
'''}

# one seed, one distance, a criterion that guessing meets, one method, no prediction
LAZY = {
    "yours-criterion-cell": {".33, .90, range(5)": ".33, .33, range(1)"},
    "yours-failure-cell": {"[], {}   ": "[5], {}   "},
    "yours-predictions-cell": {"my_methods = {}   ": 'my_methods = {"LSTM": lambda: Net(nn.LSTM(7, 32), classes=3)}'}}

# one year more costs nothing, and no cell or start is better than another: eight seeds say so
NEGATIVE = {
    "yours-task": '''
from course_lib import data

def my_task(distance, batch, rng, years=(0, 200)):
    """Ten years are read; are there more than 50 spots `distance` years later? The years between are blank."""
    number = data.sunspots().number / 100
    first = rng.integers(years[0], years[1] - 10 - distance, size=batch)
    x = np.zeros((10 + distance, batch, 1))
    x[:10, :, 0] = number[first + np.arange(10)[:, None]]
    return x, (number[first + 9 + distance] > .5).astype(int)

def my_new(distance, batch, rng):
    """The years from 1900 on, which training does not see."""
    return my_task(distance, batch, rng, years=(200, 309))

my_step = 10
print(rubric.look(my_task, distance=4, new=my_new, seen=5))
''',
    "yours-criterion-cell": {".33, .90, range(5)": ".57, .75, range(8)"},
    "yours-failure-cell": network(1, 2) | {"[], {}   ": "[3, 4], {}   "},
    "yours-predictions-cell": CURES.replace("INPUTS", "1").replace("CLASSES", "2") + '''
my_methods = {"orthogonal": my_orthogonal, "LSTM + 1": lambda: my_lstm(1), "clipped": Recipe(my_plain, max_norm=.1)}
my_predictions = {"orthogonal": True, "LSTM + 1": True, "clipped": False}
print(my_study.seal(my_predictions, my_success))
'''}
