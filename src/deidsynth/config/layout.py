"""What the formats of corpora leave open."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deidsynth.config.parsing import StageConfig


class ColumnsLayout(StageConfig):
    """How CoNLL-type columns are laid out."""

    token: int | None = Field(None, description="column of the tokens, 0 the first, -1 the last; by default found")
    tag: int | None = Field(None, description="column of the tags; by default found")
    documents: Literal["auto", "marked", "sentences", "file"] = Field(
        "auto",
        description="what a document is: what -DOCSTART- or # newdoc opens, a number of sentences, or a file; "
        "auto: marked where there are marks, else sentences",
    )
    sentences: int = Field(1, ge=1, description="how many make a document where nothing else says")
    detokenize: Literal["auto", "blank"] = Field(
        "auto",
        description="auto: as # text, SpaceAfter=No and SpacesAfter say, else a blank between tokens and a line break "
        "between sentences; blank: always the latter",
    )
    scheme: Literal["IOB2", "BIOES"] = Field("IOB2", description="tags to write; every scheme is read")


class TableLayout(StageConfig):
    """Which columns of a CSV or Parquet file hold what."""

    text: str = Field("text", description="column of the texts")
    doc_id: str = Field("doc_id", description="column of the ids; without it, the number of the row")
    entities: str = Field("entities", description="column of the entities, as a JSON list of start, end and label")
    group: str = Field("group", description="column of the groups")
    split: str = Field("split", description="column of the parts: train, validation, test")


class InlineLayout(StageConfig):
    """How entities are written into the text."""

    style: Literal["tags", "brackets"] | None = Field(
        None, description="tags: <NAME>Anna</NAME>; brackets: [Anna](NAME); by default found, and tags to write"
    )


class LayoutConfig(StageConfig):
    """What a format leaves open."""

    columns: ColumnsLayout = ColumnsLayout()
    table: TableLayout = TableLayout()
    inline: InlineLayout = InlineLayout()
