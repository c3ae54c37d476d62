"""One folder a lesson, named as its notebook. A lesson may import earlier ones, never a later one."""
