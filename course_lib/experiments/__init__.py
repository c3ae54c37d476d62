"""What the lessons train and measure, a module for each subject; the figures draw what these return."""
