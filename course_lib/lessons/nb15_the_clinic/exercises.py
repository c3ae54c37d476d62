"""The exercises of lesson 15, the clinic."""

from __future__ import annotations

from ...exercises.bank import Bank
from . import clinic
from .cure import Cure, edited


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
        also_correct=("def make_optimizer(parameters):\n    return torch.optim.Adam(parameters, lr=.01)",),
        wrong=(
            _sick("01", ("lr=1.", "lr=1e-7")),
            _sick("01", ("SGD", "Adam")),
        ),
        confused={
            "10": "The first loss and the first norm are small: the weights start well. The updates make it "
                  "worse.",
            "11": "A vanished gradient leaves the loss where it is. Here the norm grows with each update.",
            "06": "There is no clipping in this code, and the loss climbs before there is any NaN."},
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
        also_correct=(_sick("06", ("1 / gaps", "1 / (gaps + .005)")),),
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
            "02": "nn.RNN's tanh takes any input: tanh of infinity is 1. That is why the loss is finite."},
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
    torch.nn.init.orthogonal_(rnn.weight_hh_l0, gain=2**.5)  # relu lets about half of the square through
''',
        also_correct=(
            "def initialize(rnn):\n    torch.nn.init.eye_(rnn.weight_hh_l0)",
            _sick("10", ("std=1.", "std=(2 / rnn.hidden_size)**.5")),
            "def initialize(rnn):\n    torch.nn.init.orthogonal_(rnn.weight_hh_l0)",
        ),
        wrong=(
            "def initialize(rnn):\n    torch.nn.init.zeros_(rnn.weight_hh_l0)",
            _sick("10", ("std=1.)", "std=1.)\n    with torch.no_grad():\n        rnn.weight_ih_l0.mul_(1e-6)\n"
                         "        rnn.bias_ih_l0.zero_()\n        rnn.bias_hh_l0.zero_()")),
            _sick("10", ("std=1.", "std=.03")),
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
''', _sick("11", ("RNN", "LSTM"))),
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
])
