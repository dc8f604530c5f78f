"""Options for corpus formats whose layout is not fixed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deidsynth.config.parsing import StageConfig


class ColumnsLayout(StageConfig):
    """Layout of CoNLL-style columns."""

    token: int | None = Field(None, description="column of the tokens, 0: the first, -1: the last; detected by default")
    tag: int | None = Field(None, description="column of the tags; detected by default")
    documents: Literal["auto", "marked", "sentences", "file"] = Field(
        "auto",
        description="unit of a document: -DOCSTART- or # newdoc lines, a number of sentences, or a file; "
        "auto: marked if the file has such lines, else sentences",
    )
    sentences: int = Field(1, ge=1, description="sentences per document if the file does not mark documents")
    detokenize: Literal["auto", "blank"] = Field(
        "auto",
        description="auto: follow # text, SpaceAfter=No and SpacesAfter, else a blank between tokens and a line break "
        "between sentences; blank: always the latter",
    )
    scheme: Literal["IOB2", "BIOES"] = Field("IOB2", description="tagging scheme to write; every scheme can be read")


class TableLayout(StageConfig):
    """Columns of a CSV or Parquet file."""

    text: str = Field("text", description="column of the texts")
    doc_id: str = Field("doc_id", description="column of the document ids; by default the row number")
    entities: str = Field("entities", description="column of the entities, as a JSON list of start, end and label")
    group: str = Field("group", description="column of the groups")
    split: str = Field("split", description="column of the splits: train, validation, test")


class InlineLayout(StageConfig):
    """Inline notation of entities."""

    style: Literal["tags", "brackets"] | None = Field(
        None,
        description="tags: <NAME>Anna</NAME>; brackets: [Anna](NAME); detected by default; tags is the default "
        "for writing",
    )
    documents: Literal["file", "paragraphs", "lines"] = Field(
        "file",
        description="unit of a document when reading: a file, its paragraphs (between empty lines), or its lines",
    )


class LayoutConfig(StageConfig):
    """Layout options of a corpus format."""

    columns: ColumnsLayout = ColumnsLayout()
    table: TableLayout = TableLayout()
    inline: InlineLayout = InlineLayout()
