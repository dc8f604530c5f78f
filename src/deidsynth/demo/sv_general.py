"""Swedish sentences that fit any specialty, and words that do not fit a child or someone retired."""

from __future__ import annotations

# Further sentences of a section come from these lists of the specialty, or from GENERAL.
MORE = {
    "reason": "story",
    "course": "general",
    "call": "story",
    "question": "story",
    "history": "general",
    "social": "general",
    "exam": "status",
    "labs": "general_lab",
    "judgement": "general_judgement",
    "advice": "plan",
    "planning": "plan",
    "home_plan": "plan",
    "care": "general",
    "care_more": "general",
}
GENERAL = (
    "Sover gott.",
    "Aptiten är <god|ua|nedsatt>.",
    "Inga kända allergier.",
    "Miktion och avföring ua.",
    "Röker inte, <måttligt|sparsamt> med alkohol.",
    "Ingen känd smitta.",
    "Äter och dricker som vanligt.",
    "Vikten är stabil.",
    "Motionerar <sällan|varje vecka>.",
    "Ingen hereditet av betydelse.",
    "Känner sig trygg med planen.",
    "Smärtan är under kontroll.",
    "Ingen nytillkommen värk.",
    "Har inga frågor just nu.",
    "Är orolig men lugnar sig efter samtal.",
    "Vaccinerad mot influensa.",
)
GENERAL_LAB = (
    "TPK {150-390}.",
    "LPK {4.1-12.5}.",
    "Ca {2.1-2.5}, albumin {30-44}.",
    "Leverprover <normala|lätt stegrade>.",
    "Elstatus ua.",
    "PK {1.0-1.3}.",
    "Övriga prover ua.",
)
GENERAL_JUDGEMENT = (
    "Prognosen bedöms som god.",
    "Utreds vidare.",
    "Risk för återinsjuknande finns.",
    "Ingen misstanke om malignitet.",
    "Pat är <införstådd|nöjd> med detta.",
    "Fortsatt behandling behövs.",
    "Läget är stabilt.",
)

# A phrase with one of these words does not fit a child, or someone retired.
NOT_FOR_CHILDREN = (
    "Sjukskriv",
    "rbetar",
    "Blodtryck",
    "{home}",
    "KAD",
    "rullator",
    "Saknar tänder",
    "Trappträning",
    "förflyttning",
    "alkohol",
    "ringer från",
    "Pat, {age}, ringer",
    "Pat kontaktar",
    "Uppringd",
    "om [han/hon] blir sämre",
    "ambulans",
    "i många år",
    "Motionerar",
    "Hjälpmedel",
    "Urinmängd",
    "hemmiljön",
    "Röker inte",
    "hygien",
    "Krea",
    "Pat vill att",
)
NOT_FOR_RETIRED = ("Sjukskriv", "rbetar", "jobb", "skiftarbete", "Yrke")
