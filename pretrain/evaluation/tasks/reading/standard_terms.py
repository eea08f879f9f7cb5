"""The terms that texts are normalised to, from a workbook beside the files of the task."""

from __future__ import annotations

from pathlib import Path

from configs.common.errors import UserError


def standard_terms(folder: Path) -> set[str]:
    """Read CHIP-CDN's ICD-10 terms from the second column of the only .xlsx in the folder."""
    files = sorted(path for path in folder.glob("*.xlsx") if not path.name.startswith((".", "~")))
    if len(files) != 1:
        raise UserError(
            f"{folder}: holds {len(files)} .xlsx, and one with the standard terms (CHIP-CDN's ICD-10) is wanted"
        )
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UserError(f"{files[0]}: is read by openpyxl; pip install 'electra-pretraining[evaluate]'") from None
    try:
        sheet = load_workbook(files[0], read_only=True).worksheets[0]
        return {str(name) for (name,) in sheet.iter_rows(min_col=2, max_col=2, values_only=True) if name}
    except Exception as error:  # openpyxl has no exceptions of its own, and raises those of zipfile and of XML
        raise UserError(f"{files[0]}: cannot be read ({error}); its second column is to hold the terms") from None
