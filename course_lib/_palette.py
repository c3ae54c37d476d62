"""The colors of figures and boxes; each has a contrast of 3 or more on white and on JupyterLab's dark background."""

INK = "#7a7a7a"  # contrast 4.3 on white and 4.4 on JupyterLab's dark background
# Hues of Okabe and Ito 2008; blue is lighter, orange and sky are darker than theirs.
BLUE, ORANGE, GREEN, VERMILION = "#1a7fc1", "#c98500", "#009e73", "#d55e00"
SKY, PURPLE = "#3a9bd6", "#cc79a7"
