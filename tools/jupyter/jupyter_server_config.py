"""Notebooks open clean. JupyterLab writes into each what the kernel says of its language, version and all, and calls
the notebook unsaved where that differs from the file. So a file that only says "python" is shown with what this
Python's kernel will say, and saved without it: under version control a save changes outputs, and nothing that the
machine brings.
"""
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

STORED = {"name": "python"}


def of_kernel():
    from ipykernel.ipkernel import IPythonKernel

    return dict(IPythonKernel.language_info)


class OpensClean(AsyncLargeFileManager):
    """Files as always, but for the language of a notebook."""

    async def get(self, path, content=True, *args, **options):
        model = await super().get(path, content, *args, **options)
        if content and model["type"] == "notebook" and model["content"]["metadata"].get("language_info") == STORED:
            model["content"]["metadata"]["language_info"] = of_kernel()
        return model

    async def save(self, model, path=""):
        if model.get("type") == "notebook" and isinstance(model.get("content"), dict):
            metadata = model["content"].get("metadata", {})
            if metadata.get("language_info") == of_kernel():
                metadata["language_info"] = dict(STORED)
        return await super().save(model, path)


get_config().ServerApp.contents_manager_class = OpensClean  # noqa: F821, Jupyter gives it
