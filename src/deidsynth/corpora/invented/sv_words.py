"""Swedish places, care units and employers: invented where a person could be found by them."""

from __future__ import annotations

from faker.providers.address.sv_SE import Provider as SwedishAddress

TOWNS = tuple(
    dict.fromkeys(
        (
            *SwedishAddress.cities,
            *"""Arvika Bollnäs Enköping Eslöv Falkenberg Flen Gällivare Hagfors Hedemora Hjo Hudiksvall Härnösand
            Kiruna Kramfors Köping Laholm Leksand Lindesberg Ljungby Ljusdal Ludvika Lycksele Malung Mariestad Mjölby
            Mora Nora Norrtälje Nybro Nässjö Orsa Oskarshamn Ronneby Rättvik Sala Simrishamn Skara Sollefteå Strängnäs
            Strömstad Sunne Säffle Söderhamn Sölvesborg Tidaholm Timrå Tranås Ulricehamn Vadstena Vara Vetlanda
            Vimmerby Visby Värnamo Västervik Ystad Älmhult Åmål Årjäng Åstorp Öregrund Östhammar""".split(),
        )
    )
)

ROOTS = tuple(
    """Almhaga Asplunda Backhaga Berghem Björkdala Björklunda Brunnsta Bäckadal Dalslätt Djupedal Ekbacka Ekeby Ekhaga
    Enbacka Fagerdal Fagerlid Fiskvik Furudal Furuhöjd Fågelsta Grandunga Granliden Grimsta Gullhöjd Hagalid Hagaström
    Hasselbacka Hedlunda Höglunda Kastanjelund Klockarby Klövervik Kornhöjd Kvarnbacka Kvarnliden Källdal Källbacka
    Lillgården Lindhaga Lindudden Ljungdala Lyckebo Lövhöjd Mosslunda Norrbacka Nyhöjd Oxelby Parkhöjd Ringdala
    Rosendala Rågvik Rönndala Sandhöjd Skogsvik Skördeby Slättbo Solbacka Solhaga Stenhöjd Strandby Sundhöjd
    Svanliden Sågbacka Södervik Tallbacka Tallhöjd Tegelbo Tistelby Torndal Trädgårdsby Tunadal Vallby Vasslunda
    Vinterdal Västerliden Åkerdal Älvsby Ängsbacka Äppelhöjd Österdala""".split()
)

STREETS = tuple(
    f"{prefix}{suffix}"
    for prefix in dict.fromkeys(
        (
            *SwedishAddress.street_prefixes,
            *"Björnbärs Drottning Fiskar Gjutar Hassel Hjort Kastanj Klock Lind Lärk Malm Murar Nors Prästgårds".split(),
            *"Rip Rönn Skräddar Smultron Snickar Svan Tall Vall Väst Äppel Öst".split(),
        )
    )
    for suffix in ("gatan", "vägen", "stigen", "gränd")
)

COUNTRIES = tuple(
    "Norge Finland Danmark Polen Irak Iran Syrien Somalia Bosnien Chile Turkiet Eritrea Etiopien Tyskland".split()
    + "Thailand Spanien Grekland Kroatien Estland Rumänien Marocko Libanon Vietnam Indien".split()
)

UNIT_FORMS = (
    "Vårdcentralen {root}",
    "{root} vårdcentral",
    "{root_s} vårdcentral",
    "{root} familjeläkarmottagning",
    "{root} hälsocentral",
)
HOSPITAL_FORMS = ("{town} sjukhus", "{town_s} lasarett", "{town_s} sjukhus", "{town} närsjukhus")
HOMES = ("{root}gården", "{root_s} äldreboende", "{root} korttidsboende", "Villa {root}")
EMPLOYERS = (
    "{last} Bygg AB",
    "{last_s} Åkeri AB",
    "{last} & Söner AB",
    "{last} El HB",
    "{last_s} Bageri",
    "{last} Konsult AB",
    "{last_s} Måleri AB",
    "{root}skolan",
    "{root_s} förskola",
    "{root} IF",
    "{town_s} kommun",
    "{root} Mekaniska AB",
)
SCHOOLS = ("{root}skolan", "{root_s} skola", "{root} friskola")
AUTHORITIES = ("Försäkringskassan", "Arbetsförmedlingen", "Hjälpmedelscentralen", "Färdtjänsten", "Röda Korset")
JOBS = (
    "snickare", "undersköterska", "lärare", "chaufför", "ekonom", "svetsare", "elektriker", "kock", "lagerarbetare",
    "säljare", "maskinist", "vaktmästare", "målare", "barnskötare", "ingenjör",
)  # fmt: skip
MONTHS = tuple(
    "januari februari mars april maj juni juli augusti september oktober november december".split()
)
SHORT_MONTHS = ("jan", "feb", "mars", "apr", "maj", "juni", "juli", "aug", "sept", "okt", "nov", "dec")
