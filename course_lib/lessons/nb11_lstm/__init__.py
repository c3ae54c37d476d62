"""Lesson 11, notebooks/11_lstm.ipynb: `roads` measures what is left of a gradient by all ways and by the gates alone
(for lessons 12 and 13 too), `one_step` splits one step into its ways, `valves` draws them as roads and `one_number`
walks them along a sentence, `held_gates` what a trained LSTM can do while a gate is held still, `long_order` reads two
long runs, `traffic` makes counts that come in bursts; `figures` draws half-lives, roads and gates."""
