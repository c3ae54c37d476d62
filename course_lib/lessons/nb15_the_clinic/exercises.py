"""The exercises of lesson 15, the clinic."""

from __future__ import annotations

from ...exercises.bank import Bank
from . import clinic
from .clinic import edited
from .cure import Cure


def _cure(id: str, patient: str, title: str, difficulty: int, **fields) -> Cure:
    return Cure(id, title, patient=patient, minutes=4, difficulty=difficulty, **fields)


def _sick(patient: str, *edits: tuple[str, str]) -> str:
    """The sick part with pieces of it replaced: a few words say what a cure changes."""
    return edited(clinic.PATIENTS[patient].part, *edits)


BANK = Bank(15, "The clinic", [
    _cure(
        "15.1", "01", "A loss that climbs", 1,
        solution='''
def make_optimizer(parameters):
    return torch.optim.SGD(parameters, lr=.05)
''',
        also_correct=("def make_optimizer(parameters):\n    return torch.optim.Adam(parameters, lr=.01)",
                      "def make_optimizer(parameters):\n    return torch.optim.Adam(parameters)",
                      "def make_optimizer(parameters):\n    parameters = list(parameters)\n"
                      "    for p in parameters:\n        p.register_hook(lambda g: .05 * g)\n"
                      "    return torch.optim.SGD(parameters, lr=1.)"),
        wrong=(
            _sick("01", ("lr=1.", "lr=1e-7")),
            _sick("01", ("SGD", "Adam")),
            _sick("01", ("(parameters, lr=1.)", "(list(parameters)[-2:], lr=.1)")),
        ),
        confused={
            "10": "The first loss and the first norm are small: the weights start well. The updates make it "
                  "worse.",
            "11": "A vanished gradient leaves the loss where it is. Here the norm grows with each update.",
            "06": "There is no clipping in this code, and the loss climbs before there is any NaN.",
            "13": "A throw is one update. Here each update makes it worse, from the first one on."},
        hints=["How far does one update move a weight, beside the weight itself?",
               "Divide the rate by ten until the loss falls, and not more often: too small a rate learns "
               "nothing in 100 updates."],
    ),
    _cure(
        "15.2", "02", "The electrode", 1,
        solution='''
def activation(a):
    return torch.tanh(a)
''',
        also_correct=(
            "def activation(a):\n    return 2 * torch.sigmoid(2 * a) - 1",
            _sick("02", ("up, down = ", "a = a.clamp(-20, 20)\n    up, down = ")),
        ),
        wrong=(
            _sick("02", ("(up - down) / (up + down)", "torch.nan_to_num((up - down) / (up + down))")),
            _sick("02", ("(up - down) / (up + down)",
                         "torch.where(a.abs() > 20, torch.sign(a), (up - down) / (up + down))")),
            "def activation(a):\n    return a.clamp(-1, 1)",
            _sick("02", ("(up + down)", "(up + down + 1e-3)")),
        ),
        confused={
            "01": "The rate was the same in the 20 updates before, and the norm was small. Which batch is "
            "special?",
            "06": "The loss of update 20 is NaN already, and clipping comes after the loss.",
            "10": "Weights that make states explode do it in every batch. Here one batch is enough, and the 20 "
                  "before it were fine."},
        hints=["Search in the order in which things are computed: inputs, states, gradients. What is special in "
               "the inputs of update 20? (The microscope needs an nn.RNN, and this loop is its user's own.)",
               "What is exp(89) in float32, and what is infinity divided by infinity?",
               "torch has a tanh that never computes exp of a large number."],
    ),
    _cure(
        "15.3", "03", "Under the mask", 2,
        solution='''
def masked_loss(prediction, target, mask):
    target = torch.where(mask, target, 0.)             # before infinity is computed with
    errors = (prediction - target)**2
    return (errors * mask).sum() / mask.sum()
''',
        also_correct=(
            "def masked_loss(prediction, target, mask):\n    return ((prediction - target)[mask]**2).mean()",
        ),
        wrong=(
            _sick("03", ("(errors * mask)", "torch.where(mask, errors, 0.)")),
            _sick("03", ("return", "loss ="), ("/ mask.sum()", "/ mask.sum()\n"
                         "    return loss if loss.isfinite() else 0 * prediction[mask].sum()")),
            "def masked_loss(prediction, target, mask):\n    full = mask.all(0)\n"
            "    return ((prediction[:, full] - target[:, full])**2).mean()",
            "def masked_loss(prediction, target, mask):\n    target = torch.where(mask, target, 0.)\n"
            "    return ((prediction - target)**2).mean()",
        ),
        confused={
            "04": "There is a log of 0 in this code, and it makes targets infinite. But those are masked out: why "
                  "do they still count?",
            "10": "Every prediction is finite. The NaN is made after the network.",
            "06": "Infinity times 0 it is, but in the loss: it is NaN before there is any gradient to clip.",
            "08": "All numbers here are float32."},
        hints=["clinic.PATIENTS[\"03\"].watch().first_nonfinite() says that the NaN comes from outside of the "
               "network. What is the target where a sequence is padded?",
               "0 times infinity is NaN, on the way forward and on the way back.",
               "Don't multiply infinity away. Replace it before anything is computed with it, or select what "
               "counts: tensor[mask]."],
    ),
    _cure(
        "15.4", "04", "Certain, and wrong", 2,
        solution='''
def cross_entropy(logits, labels):
    log_p = torch.log_softmax(logits, dim=-1)
    return -log_p[torch.arange(len(labels)), labels].mean()
''',
        also_correct=(
            "def cross_entropy(logits, labels):\n    return torch.nn.functional.cross_entropy(logits, labels)",
            "def cross_entropy(logits, labels):\n"
            "    right = logits.gather(1, labels.unsqueeze(1)).squeeze(1)\n"
            "    return (torch.logsumexp(logits, 1) - right).mean()",
        ),
        wrong=(
            _sick("04", ("labels]", "labels] + 1e-8")),
            _sick("04", ("logits, dim", "logits / 400, dim")),
            _sick("04", ("dim=-1)", "dim=-1)[torch.arange(len(labels)), labels]"),
                  ("torch.log(p[torch.arange(len(labels)), labels])", "torch.where(p > 0, torch.log(p), -100.)")),
        ),
        confused={
            "10": "The states are between -1 and 1, as the complaint says. What comes after them?",
            "03": "Nothing is masked here.",
            "02": "This softmax is torch's, and it takes care of large exponents. Look at what is done with its "
                  "result.",
            "08": "All numbers here are float32, and none is too large for it. But float32 has a smallest "
                  "number, too."},
        hints=["clinic.PATIENTS[\"04\"].watch().first_nonfinite() says that the states are fine. Print the "
               "smallest p of the first batch.",
               "exp(-200) is 0 in float32, and its logarithm should be -200.",
               "Compute the logarithm without the probability: torch.log_softmax."],
    ),
    _cure(
        "15.5", "05", "Standing still", 2,
        solution='''
def length(steps):
    return ((steps**2).sum(-1) + 1e-12).sqrt()         # the slope at 0 is 0 now
''',
        also_correct=(
            "def length(steps):\n    return torch.linalg.vector_norm(steps, dim=-1)",
            _sick("05", (".sqrt()", ".add(1e-6).sqrt() - 1e-3")),
            "def length(steps):\n    return torch.nn.functional.pairwise_distance(steps, torch.zeros_like(steps))",
            "def length(steps):\n    square = (steps**2).sum(-1)\n    moving = square > 0\n"
            "    return torch.where(moving, torch.where(moving, square, 1.).sqrt(), 0.)",
        ),
        wrong=(
            _sick("05", (".sqrt()", ".sqrt() + 1e-8")),
            "def length(steps):\n    square = (steps**2).sum(-1)\n"
            "    return torch.where(square > 0, square.sqrt(), 0.)",
            _sick("05", (".sqrt()", "")),
            "def length(steps):\n    return ((steps**2).sum(-1) + 1e-12).sqrt().detach()",
        ),
        confused={
            "03": "Nothing is masked here. But infinity does meet a 0 somewhere, on the way back.",
            "06": "The norm is NaN before anything is clipped: clip_grad_norm_ returns the norm before.",
            "04": "There is no logarithm here. Which other function has an infinite slope at 0?"},
        hints=["The loss is finite and its gradient is not. clinic.PATIENTS[\"05\"].watch().first_nonfinite() "
               "names a sequence and a step: what are its inputs up to there?",
               "The padding in front keeps the states of four sequences at 0: their first steps have length 0. "
               "Which slope has a square root at 0?",
               "Add something tiny under the root, not after it."],
    ),
    _cure(
        "15.6", "06", "One tick of the clock", 2,
        solution='''
def train_step(net, optimizer, gaps, target):
    rates = 1 / gaps.clamp_min(.01)                    # the clock can't tell less than a hundredth
    loss = ((net(rates) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1., error_if_nonfinite=True)
    optimizer.step()
    return loss, norm
''',
        also_correct=(_sick("06", ("1 / gaps", "1 / (gaps + .005)")),
                      _sick("06", ("rates = 1 / gaps", "keep = (gaps > 0).all(0)[:, 0]\n"
                                   "    gaps, target = gaps[:, keep], target[keep]\n    rates = 1 / gaps"))),
        wrong=(
            _sick("06", ("optimizer.step()", "if norm.isfinite():\n        optimizer.step()")),
            _sick("06", ("loss.backward()", "loss.backward()\n"
                         "    for p in net.parameters():\n        p.grad.nan_to_num_(0., 0., 0.)")),
            _sick("06", ("clip_grad_norm_(net.parameters(), 1.)",
                         "get_total_norm([p.grad for p in net.parameters()])")),
            _sick("06", ("1 / gaps", "torch.nan_to_num(1 / gaps)")),
        ),
        confused={
            "01": "The rate is .1 and the norm at most 1: no update can be longer than .1, unless the norm is no "
                  "number.",
            "10": "The loss of update 20 is finite, and so are its states. Infinity comes in at another door.",
            "02": "nn.RNN's tanh takes any input: tanh of infinity is 1. That is why the loss is finite.",
            "03": "Infinity times 0 it is, on the way back, but without a mask. What carries it on to all weights?"},
        hints=["clinic.PATIENTS[\"06\"].watch().first_nonfinite() looks at the inputs first, and finds it.",
               "tanh turns an infinite input into a state of 1 or -1 with a slope of 0. weight_ih gets 0 times "
               "infinity, and clipping divides all gradients by a norm that is NaN.",
               "Which rate is true for two events within one tick of .01 seconds? About 100 a second, or more: "
               "the clock cannot tell."],
    ),
    _cure(
        "15.7", "07", "The second update", 2,
        solution=_sick("07", ("loss, h", f"loss, h.detach(){' ' * 28}# the numbers, without their past")),
        also_correct=(
            _sick("07", ("states, h = ", "h = None if h is None else h.detach()\n    states, h = "),
                  ("loss, h", "loss, torch.tensor(h.tolist())")),
            _sick("07", ("states, h = ", "h = None if h is None else h.detach()\n    states, h = ")),
        ),
        wrong=(
            _sick("07", ("backward()", "backward(retain_graph=True)")),
            _sick("07", ("rnn(x, h)", "rnn(x)"), ("loss, h", "loss, torch.zeros_like(h)")),
            _sick("07", ("readout(states)", "readout(states.detach())"), ("loss, h", "loss, h.detach()")),
        ),
        confused={
            "11": "The second gradient never comes to be: its backward pass ends in an error.",
            "12": "The axes are in order: time, batch, features. Read what the message says about a graph."},
        hints=["Which tensor of the first window is used in the second one?",
               "The state carries the graph that made it, and backward has freed that graph.",
               "Hand on the numbers without the graph: h.detach()."],
    ),
    _cure(
        "15.8", "08", "The smaller format", 2,
        solution='''
def attend(states, scores):
    weights = torch.softmax(scores.float(), 0)         # it subtracts the largest score first
    return (weights.unsqueeze(-1) * states).sum(0)
''',
        also_correct=('''
def attend(states, scores):
    scores = scores.half()
    weights = torch.exp(scores - scores.max(0).values)
    weights = weights / weights.sum(0)
    return (weights.unsqueeze(-1) * states.half()).sum(0).float()
''',),
        wrong=(
            _sick("08", ("scores.half()", "scores.half().clamp(max=8)")),
            _sick("08", ("weights / weights.sum(0)", "torch.nan_to_num(weights / weights.sum(0), 0., 0., 0.)")),
            "def attend(states, scores):\n    weights = torch.softmax(scores / 100, 0)\n"
            "    return (weights.unsqueeze(-1) * states).sum(0)",
        ),
        confused={
            "02": "An exp does overflow here, but not in an activation, and not in float32: exp(12) is only 160 "
                  "thousand.",
            "01": "With the same rate it trained for weeks. What has changed since?",
            "04": "There is no logarithm here, and the number that fails is too large, not too small."},
        hints=["clinic.PATIENTS[\"08\"].watch().first_nonfinite() says that the network's states are fine. What is "
               "the largest number in float16, and which score has an exp above it?",
               "65504 is exp(11.1). A softmax stays the same if one number is subtracted from all scores.",
               "Subtract the largest score before exp, or call torch.softmax."],
    ),
    _cure(
        "15.9", "09", "Zero point zero", 3,
        solution='''
def gradient_norm(parameters):
    return torch.sqrt(sum((p.grad.double()**2).sum() for p in parameters))
''',
        also_correct=('''
def gradient_norm(parameters):
    largest = max(p.grad.abs().max() for p in parameters)
    if largest == 0:
        return largest
    return largest * torch.sqrt(sum(((p.grad / largest)**2).sum() for p in parameters))
''',),
        wrong=(
            _sick("09", ("torch.sqrt", "1e-12 + torch.sqrt")),
            "def gradient_norm(parameters):\n    return max(p.grad.abs().max() for p in parameters)",
            "def gradient_norm(parameters):\n"
            "    return torch.nn.utils.get_total_norm([p.grad for p in parameters])",
        ),
        confused={
            "11": "Print the largest entry of a gradient before you say so: it is not 0.",
            "07": "The script stops by its own rule, norm == 0, and not because of a graph.",
            "08": "All numbers here are float32, and none is too large for it. But float32 has a smallest number, "
                  "too."},
        hints=["clinic.PATIENTS[\"09\"].watch().verdict() says that the gradient is alive. Print p.grad.abs().max() "
               "beside the norm.",
               "The entries are near 1e-24. What is their square, and what is the smallest number of float32?",
               "Square in float64, or divide by the largest entry before you square."],
    ),
    _cure(
        "15.10", "10", "Infinite at the start", 2,
        solution='''
def initialize(rnn):
    torch.nn.init.eye_(rnn.weight_hh_l0)               # what a unit holds, it hands on
''',
        also_correct=(
            "def initialize(rnn):\n    torch.nn.init.orthogonal_(rnn.weight_hh_l0, gain=2**.5)",
            _sick("10", ("std=1.", "std=(2 / rnn.hidden_size)**.5")),
            "def initialize(rnn):\n    torch.nn.init.orthogonal_(rnn.weight_hh_l0)",
            "def initialize(rnn):\n    pass",
        ),
        wrong=(
            "def initialize(rnn):\n    torch.nn.init.zeros_(rnn.weight_hh_l0)\n"
            "    rnn.weight_hh_l0.requires_grad_(False)",
            _sick("10", ("std=1.)", "std=1.)\n    with torch.no_grad():\n        rnn.weight_ih_l0.mul_(1e-6)\n"
                         "        rnn.bias_ih_l0.zero_()\n        rnn.bias_hh_l0.zero_()")),
            _sick("10", ("std=1.", "std=.5")),
        ),
        confused={
            "01": "The loss is infinite before the first update. No rate has been used yet.",
            "11": "What vanishes leaves a finite loss. This one is infinite on the way forward.",
            "08": "All numbers here are float32, which reaches 3e38. What makes a number that large?"},
        hints=["By which factor does a step multiply the state, for 32 units with weights of size 1?",
               "The root of 32 is 5.7, and relu lets half of the square through: a factor of 4, 40 times, and on the "
               "way back again. clinic.PATIENTS[\"10\"].watch().first_nonfinite() names the step where the gradient "
               "leaves float32.",
               "Take weights that keep a length: nn.init.eye_, or nn.init.orthogonal_ with the gain 2**.5 that "
               "makes up for relu."],
    ),
    _cure(
        "15.11", "11", "Nothing is wrong", 3,
        solution='''
def make_rnn(inputs, units):
    rnn = torch.nn.RNN(inputs, units, nonlinearity="relu")
    torch.nn.init.eye_(rnn.weight_hh_l0)
    torch.nn.init.zeros_(rnn.bias_ih_l0)
    torch.nn.init.zeros_(rnn.bias_hh_l0)
    return rnn
''',
        also_correct=('''
def make_rnn(inputs, units):
    lstm = torch.nn.LSTM(inputs, units)
    with torch.no_grad():
        lstm.bias_ih_l0[units:2 * units] = 4.
    return lstm
''', '''
def make_rnn(inputs, units):
    rnn = torch.nn.RNN(inputs, units, bias=False)
    torch.nn.init.orthogonal_(rnn.weight_hh_l0)
    return rnn
''', '''
def make_rnn(inputs, units):
    lstm = torch.nn.LSTM(inputs, units)
    with torch.no_grad():                              # half-lives from 1 to 80 steps (lesson 11)
        lstm.bias_ih_l0[units:2 * units] = torch.log(torch.empty(units).uniform_(1, 79))
        lstm.bias_ih_l0[:units] = -lstm.bias_ih_l0[units:2 * units]
        lstm.bias_hh_l0[:2 * units] = 0
    return lstm
'''),
        wrong=('''
def make_rnn(inputs, units):
    rnn = torch.nn.RNN(inputs, units)
    with torch.no_grad():
        rnn.weight_ih_l0.mul_(10)
    return rnn
''', '''
def make_rnn(inputs, units):
    rnn = torch.nn.RNN(inputs, units)
    torch.nn.init.normal_(rnn.weight_hh_l0, std=3.)
    return rnn
''', _sick("11", ("RNN", "LSTM")), '''
def make_rnn(inputs, units):
    class Backwards(torch.nn.RNN):
        def forward(self, x):
            return super().forward(x.flip(0))
    return Backwards(inputs, units)
'''),
        confused={
            "01": "A rate that is too large makes the loss jump. This one stays at 0.69, the loss of guessing.",
            "12": "The axes are in order: time, batch, features. The label is in step 0. What comes back to step "
                  "0?",
            "09": "The norm is not 0, and rightly so: the last steps have gradient enough.",
            "06": "Nothing is NaN here."},
        hints=["The norm is that of all steps together. The microscope shows them one by one: flow = "
               "clinic.PATIENTS[\"11\"].watch(), then flow.plot() and flow.verdict().",
               "At torch's default weights each step back leaves some 0.6 of the gradient. There are 80 steps.",
               "Start with recurrent weights that keep a length, or with an LSTM whose forget gates are open "
               "(lesson 11)."],
    ),
    _cure(
        "15.12", "12", "Everything fits", 3,
        solution='''
def last_state(rnn, x):
    states, _ = rnn(x.transpose(0, 1))                 # nn.RNN wants (time, batch, features)
    return states[-1]
''',
        also_correct=(
            "def last_state(rnn, x):\n    return rnn(x.permute(1, 0, 2))[1][-1]",
            _sick("12", ("states, _", "rnn.batch_first = True\n    states, _")),
        ),
        wrong=(
            _sick("12", ("rnn(x)", "rnn(x.reshape(x.shape[1], len(x), -1))"), ("[:, -1]", "[-1]")),
            "def last_state(rnn, x):\n    states, _ = rnn(x.transpose(0, 1))\n    return states[0]",
            "def last_state(rnn, x):\n    states, _ = rnn(x[:, -1:].transpose(0, 1))\n    return states[-1]",
        ),
        confused={
            "11": "Four steps back are not far. Which four steps does the network see at all?",
            "01": "A rate that is too large makes the loss jump high above its start.",
            "07": "No state is carried from one update to the next."},
        hints=["Change sequence 3 and see which outputs change. clinic.PATIENTS[\"12\"].watch().verdict() counts "
               "the steps that the network reads: are they those of the sequences?",
               "nn.RNN takes time first, unless it was made with batch_first=True.",
               "x.transpose(0, 1), and then the last step is states[-1]. reshape would shuffle the entries."],
    ),
    _cure(
        "15.13", "13", "Thrown off", 2,
        solution='''
change = [("optimizer.step()", "nn.utils.clip_grad_norm_(net.parameters(), .25)\\noptimizer.step()")]
''',
        also_correct=(
            'change = [("norm = nn.utils.get_total_norm([p.grad for p in net.parameters()])", '
            '"norm = nn.utils.clip_grad_norm_(net.parameters(), .25)")]',
        ),
        wrong=(
            'change = [("optimizer.step()", "nn.utils.clip_grad_norm_(net.parameters(), 1e6)\\noptimizer.step()")]',
            'change = [("optimizer.step()", "optimizer.step()\\nnn.utils.clip_grad_norm_(net.parameters(), 1.)")]',
            'change = [("lr=.01", "lr=.1")]',
        ),
        confused={
            "01": "Many updates go well at this rate. What is special about the one that does not?",
            "10": "The weights start at 1, and many updates are fine.",
            "20": "It had learned, and then lost it. More updates do not bring it back."},
        hints=["Compare the norm of the update that threw it off with those before: clinic.PATIENTS[\"13\"].watch() "
               "stops there.",
               "A weight a little above 1 for each of 40 steps is a gradient of another size, and SGD moves the weights "
               "by as much.",
               "Clip the norm of the gradient between backward and step: it costs nothing in the other updates."],
    ),
    _cure(
        "15.14", "14", "Kelvin", 1,
        solution='''
def read(rnn, x):
    return rnn((x - 290) / 5)[0][-1]                   # near 0, of size 1
''',
        also_correct=(
            "def read(rnn, x):\n    return rnn(x - x.mean())[0][-1]",
            "def read(rnn, x):\n    return rnn((x - x.mean((0, 1))) / x.std((0, 1)))[0][-1]",
        ),
        wrong=(
            _sick("14", ("rnn(x)", "rnn(x / 290)")),
            _sick("14", ("rnn(x)", "rnn(x.clamp(-1, 1))")),
            _sick("14", ("rnn(x)", "rnn(x / 5)")),
        ),
        confused={
            "11": "Three steps back are not far. But is there a slope at any step?",
            "20": "The log would look the same after ten times as many updates: hardly any gradient reaches the RNN.",
            "01": "A rate that is too large makes the loss jump. This one stays at 0.69, the loss of guessing."},
        hints=["clinic.PATIENTS[\"14\"].watch().verdict() says what the units do.",
               "tanh(290 w) is 1 or -1 for nearly every w, at every step, whatever the temperature is.",
               "Take the mean off, and divide by the spread."],
    ),
    _cure(
        "15.15", "15", "A floor of 0.74", 2,
        solution='''
def classify(logits, labels):
    return torch.nn.functional.cross_entropy(logits, labels)     # it makes its own softmax
''',
        also_correct=(
            "def classify(logits, labels):\n    return nn.functional.nll_loss(torch.log_softmax(logits, -1), labels)",
            "def classify(logits, labels):\n"
            "    return -torch.log(torch.softmax(logits, -1))[torch.arange(len(labels)), labels].mean()",
        ),
        wrong=(
            _sick("15", ("cross_entropy", "nll_loss")),
            _sick("15", ("softmax(logits,", "softmax(20 * logits,")),
            _sick("15", ("return nn.functional.cross_entropy(probabilities, labels)",
                         "return nn.functional.cross_entropy(probabilities, labels) - .74")),
        ),
        confused={
            "11": "The label is in the last step. Nothing has to come from far.",
            "04": "Nothing is infinite here: this softmax has no logarithm after it. Or has it?",
            "20": "It has arrived: with 4 classes, this loss cannot go below 0.74."},
        hints=["What is the smallest loss that this code can give? Try it with the best logits there are.",
               "cross_entropy takes a softmax of what it gets. The softmax of (1, 0, 0, 0) is (.48, .17, .17, .17).",
               "Give it the logits."],
    ),
    _cure(
        "15.16", "16", "Some warning about sizes", 1,
        solution='''
def mean_error(prediction, target):
    return ((prediction - target.unsqueeze(1))**2).mean()        # (batch, 1) both
''',
        also_correct=(
            "def mean_error(prediction, target):\n    return ((prediction.squeeze(1) - target)**2).mean()",
            "def mean_error(prediction, target):\n"
            "    return nn.functional.mse_loss(prediction, target.reshape(prediction.shape))",
            "def mean_error(prediction, target):\n    return ((prediction.T - target)**2).mean()",
        ),
        wrong=(
            "def mean_error(prediction, target):\n    return nn.functional.mse_loss(prediction, target)",
            _sick("16", ("target)**2", "target.unsqueeze(0))**2")),
            _sick("16", ("(prediction - target)", "(prediction.mean(1) - target.mean())")),
        ),
        confused={
            "11": "Three steps back are not far. Predicting the mean, for all alike, is a sign of something else.",
            "20": "The log would look the same after ten times as many updates. The mean is the best answer to this "
                  "loss.",
            "12": "The axes of x are in order: time, batch, features. Which axes have prediction and target?"},
        hints=["Print the shapes of prediction and target, and that of their difference.",
               "(64, 1) minus (64,) is (64, 64): each prediction is compared with every target.",
               "target.unsqueeze(1), or prediction.squeeze(1)."],
    ),
    _cure(
        "15.17", "17", "It swings", 1,
        solution='''
change = [("loss.backward()", "optimizer.zero_grad()\\nloss.backward()")]
''',
        also_correct=(
            'change = [("optimizer.step()", "optimizer.step()\\nnet.zero_grad()")]',
            'change = [("loss.backward()", "for p in net.parameters():\\n    p.grad = None\\nloss.backward()")]',
        ),
        wrong=(
            'change = [("lr=.1", "lr=.01")]',
            'change = [("SGD(net.parameters(), lr=.1)", "SGD(net.parameters(), lr=.1, momentum=.9)")]',
        ),
        confused={
            "01": "Its user has tried smaller rates: it swings more slowly and less far, and does not settle.",
            "13": "One throw is one update. This loss comes and goes.",
            "20": "It has arrived more than once, and it goes away again."},
        hints=["Read the loop aloud, line by line. Which line is in every loop of this course, and not in this one?",
               "backward adds to p.grad. What stands in p.grad before it?",
               "optimizer.zero_grad(), once in each update, before backward."],
    ),
    _cure(
        "15.18", "18", "As in every tutorial", 2,
        solution='''
change = [("net(x, h)", "net(x)")]
''',
        also_correct=(
            'change = [("h = net.last.detach()  ", "h = None  ")]',
            'change = [("h = net.last.detach()  ", "h = 0 * net.last.detach()  ")]',
        ),
        wrong=(
            'change = [("h = net.last.detach()  ", "h = net.last  ")]',
            'change = [("h = net.last.detach()  ", "h = net.last.detach()[:, torch.randperm(32)]  ")]',
            'change = [("lr=.005", "lr=.05")]',
        ),
        confused={
            "07": "It is detached. But should it be there at all?",
            "11": "A dozen steps are not far, and the gradient gets there: flow.verdict().",
            "22": "The target belongs to its game. What does the network know when a game begins?"},
        hints=["What is h when the second game begins? Is that game the sequel of the first?",
               "A state is carried over where one batch goes on where the last one ended. These games do not.",
               "Begin each game with the state 0: net(x)."],
    ),
    _cure(
        "15.19", "19", "Short ones are guessed", 2,
        solution='''
change = [("states[-1]", "states[lengths - 1, torch.arange(len(lengths))]")]
''',
        also_correct=(
            'change = [("states, _ = self.rnn(x)", "packed = nn.utils.rnn.pack_padded_sequence(x, lengths, '
            'enforce_sorted=False)\\n_, states = self.rnn(packed)")]',
            'change = [("states, _ = self.rnn(x)", "x = torch.stack([x[:, i].roll(40 - int(n), 0) '
            'for i, n in enumerate(lengths)], 1)\\nstates, _ = self.rnn(x)")]',
        ),
        wrong=(
            'change = [("states[-1]", "states.mean(0)")]',
            'change = [("= 0.  ", "= -1.  ")]',
            'change = [("range(120)", "range(240)")]',
            'change = [("states[-1]", "states[lengths.min() - 1]")]',
        ),
        confused={
            "11": "The gradient does die out on its way, but on which way? A short sequence should not be far to go.",
            "12": "The axes are in order: time, batch, features. Which step is the last of a short sequence?",
            "20": "Long ones are right already, and short ones stay guessed."},
        hints=["Take a sequence of 5 steps: how many steps does the network make before it answers?",
               "Zeros are inputs as others are: at each of them the network makes a step, and forgets.",
               "Read the state after the last real step, states[lengths - 1, ...], or pack the sequences."],
    ),
    _cure(
        "15.20", "20", "Still far from zero", 1,
        solution='''
change = [("range(40)", "range(400)")]
''',
        also_correct=(
            'change = [("range(40)", "range(1000)")]',
            'change = [("range(40)", "range(200)"), ("net.parameters())  ", "net.parameters(), lr=.01)  ")]',
        ),
        wrong=(
            'change = [("net.parameters())  ", "net.parameters(), lr=1e-4)  ")]',
            'change = [("nn.RNN(1, 16)", "nn.LSTM(1, 16)")]',
            'change = [("net.parameters())  ", "net.parameters(), lr=3.)  ")]',
        ),
        confused={
            "11": "Three steps back are not far, and on the whole the loss comes down to the end.",
            "the network has too few units": "Its loss is still coming down: what it has, it has not used up."},
        hints=["Is the loss still falling at the end of the log?",
               "Adam moves a weight by about its rate in an update: .001. How far is that in 40 updates, and how far "
               "does a weight have to go?",
               "Let it run ten times as long before you change anything."],
    ),
    _cure(
        "15.21", "21", "Nothing arrives", 3,
        solution='''
change = [("range(40)", "range(300)")]
''',
        also_correct=(
            'change = [("range(40)", "range(500)")]',
            'change = [("range(40)", "range(300)"), ("nn.GRU(1, 32)", "nn.LSTM(1, 32)")]',
        ),
        wrong=(
            'change = [("lr=.01", "lr=.001")]',
            'change = [("nn.GRU(1, 32)", "nn.LSTM(1, 32)")]',
            'change = [("lr=.01", "lr=.0001"), ("range(40)", "range(300)")]',
        ),
        confused={
            "11": "Ask the microscope: over six steps this GRU loses little, and the first input gets its gradient.",
            "16": "Prediction and label are (batch, 1) both.",
            "the network has too few units": "Let it overfit one batch: it can."},
        hints=["Does it overfit one batch? Then the code is right, and what is left is time.",
               "clinic.PATIENTS[\"21\"].watch().verdict() says that the gradient is alive over all the steps.",
               "Either bit alone says nothing about the answer, so there is no slope to begin with: a flat stretch, and "
               "then a fall. Let it run."],
    ),
    _cure(
        "15.22", "22", "Too good to be true", 2,
        solution='''
change = [("x, target = y[1:], y[1:]", "x, target = y[:-1], y[1:]")]
''',
        also_correct=(
            'change = [("x, target = y[1:], y[1:]", "x = y\\ntarget = y[1:]"), ("net(x) - target", "net(x)[:-1] - target")]',
        ),
        wrong=(
            'change = [("x, target = y[1:], y[1:]", "x, target = y[1:], y[:-1]")]',
            'change = [("x, target = y[1:], y[1:]", "x, target = y[:-1], y[:-1]")]',
            'change = [("range(150)", "range(300)")]',
        ),
        confused={
            "20": "Its loss is below that of the noise: no network can forecast a random number.",
            "18": "No state is carried over.",
            "12": "The axes are in order: time, batch, features."},
        hints=["The noise has a variance of 0.01. Which loss can a forecast not go below?",
               "Write down, for step 3, what net has read and what it is compared with.",
               "What it reads has to end one step before what it is compared with: y[:-1] and y[1:]."],
    ),
    _cure(
        "15.23", "23", "Some people speak fast", 2,
        solution='''
def ctc(log_p, labels, frames, lengths):
    return torch.nn.functional.ctc_loss(log_p, labels, frames, lengths, zero_infinity=True)
''',
        also_correct=('''
def ctc(log_p, labels, frames, lengths):
    repeats = (labels[:, 1:] == labels[:, :-1]).sum(1)
    fits = frames >= lengths + repeats
    return nn.functional.ctc_loss(log_p[:, fits], labels[fits], frames[fits], lengths[fits])
''',),
        wrong=(
            "def ctc(log_p, labels, frames, lengths):\n"
            "    return torch.nan_to_num(nn.functional.ctc_loss(log_p, labels, frames, lengths), posinf=0.)",
            "def ctc(log_p, labels, frames, lengths):\n"
            "    return nn.functional.ctc_loss(log_p, labels, frames, lengths).clamp(max=10.)",
            "def ctc(log_p, labels, frames, lengths):\n"
            "    loss = nn.functional.ctc_loss(log_p, labels, frames, lengths)\n"
            "    return loss if loss.isfinite() else 0 * log_p.sum()",
            "def ctc(log_p, labels, frames, lengths):\n"
            "    fits = frames >= lengths\n"
            "    return nn.functional.ctc_loss(log_p[:, fits], labels[fits], frames[fits], lengths[fits])",
        ),
        confused={
            "04": "Its log_softmax is torch's own, and finite. What has a probability of exactly 0?",
            "13": "The loss is infinite before that update has moved any weight.",
            "06": "Clipping spreads it, yes. But the loss was infinite before."},
        hints=["clinic.PATIENTS[\"23\"].watch().first_nonfinite() looks from the inputs on. How many frames has the "
               "first sequence of that batch, and how many labels?",
               "CTC gives at most one label a frame, and needs a blank between two that are the same. With fewer "
               "frames there is no way to say the labels: probability 0, and its log is infinite.",
               "Leave out what cannot be said, or ask torch to: zero_infinity=True."],
    ),
    _cure(
        "15.24", "24", "Norms of thousands", 3,
        solution=_sick("24", ("norm = nn", "scaler.unscale_(optimizer)                        # before anybody looks at it\n"
                              "norm = nn")),
        also_correct=(
            _sick("24", ("net.parameters(), 1.", "net.parameters(), 1. * scaler.get_scale()")),
            _sick("24", ("norm = nn", "for p in net.parameters():\n    p.grad.div_(scaler.get_scale())\n"
                         "norm = nn"), ("net.parameters(), 1.)", "net.parameters(), 1.)\n"
                         "for p in net.parameters():\n    p.grad.mul_(scaler.get_scale())")),
            _sick("24", ("scaler.scale(loss).backward()", "loss.backward()"),
                  ("scaler.step(optimizer)", "optimizer.step()"), ("    scaler.update()\n", "")),
        ),
        wrong=(
            _sick("24", ("net.parameters(), 1.", "net.parameters(), 1e9")),
            _sick("24", ("net.parameters(), 1.", "net.parameters(), 65536.")),
            _sick("24", ("scaler.step(optimizer)", "scaler.unscale_(optimizer)\nscaler.step(optimizer)")),
            _sick("24", ("norm = nn", "scaler.unscale_(optimizer)\nnorm = nn"),
                  ("scaler.step(optimizer)", "optimizer.step()")),
        ),
        confused={
            "13": "The norms are thousands in every update, and the weights hardly move.",
            "08": "Nothing overflows: all numbers are finite.",
            "01": "The steps are too short here, not too long."},
        hints=["What is the norm divided by 65536, the scale that GradScaler begins with?",
               "A gradient that is 65536 times too large is clipped at 1, and then divided by 65536.",
               "scaler.unscale_(optimizer) first, then clip; step knows that it has been done."],
    ),
])
