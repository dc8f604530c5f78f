"""Swedish places, care units and employers: invented where a person could be found by them."""

from __future__ import annotations

from faker.providers.address.sv_SE import Provider as SwedishAddress

from deidsynth.surrogates.shapes import listed

TOWNS = tuple(
    dict.fromkeys(
        (
            *SwedishAddress.cities,
            *listed("""Arvika Bollnäs Enköping Eslöv Falkenberg Flen Gällivare Hagfors Hedemora Hjo Hudiksvall Härnösand
            Kiruna Kramfors Köping Laholm Leksand Lindesberg Ljungby Ljusdal Ludvika Lycksele Malung Mariestad Mjölby
            Mora Nora Norrtälje Nybro Nässjö Orsa Oskarshamn Ronneby Rättvik Sala Simrishamn Skara Sollefteå Strängnäs
            Strömstad Sunne Säffle Söderhamn Sölvesborg Tidaholm Timrå Tranås Ulricehamn Vadstena Vara Vetlanda
            Vimmerby Visby Värnamo Västervik Ystad Älmhult Åmål Årjäng Åstorp Öregrund Östhammar"""),
        )
    )
)

ROOTS = tuple(
    listed("""Almhaga Asplunda Backhaga Berghem Björkdala Björklunda Brunnsta Bäckadal Dalslätt Djupedal Ekbacka Ekeby
    Ekhaga
    Enbacka Fagerdal Fagerlid Fiskvik Furudal Furuhöjd Fågelsta Grandunga Granliden Grimsta Gullhöjd Hagalid Hagaström
    Hasselbacka Hedlunda Höglunda Kastanjelund Klockarby Klövervik Kornhöjd Kvarnbacka Kvarnliden Källdal Källbacka
    Lillgården Lindhaga Lindudden Ljungdala Lyckebo Lövhöjd Mosslunda Norrbacka Nyhöjd Oxelby Parkhöjd Ringdala
    Rosendala Rågvik Rönndala Sandhöjd Skogsvik Skördeby Slättbo Solbacka Solhaga Stenhöjd Strandby Sundhöjd
    Svanliden Sågbacka Södervik Tallbacka Tallhöjd Tegelbo Tistelby Torndal Trädgårdsby Tunadal Vallby Vasslunda
    Vinterdal Västerliden Åkerdal Älvsby Ängsbacka Äppelhöjd Österdala""")
)

STREETS = tuple(
    f"{prefix}{suffix}"
    for prefix in dict.fromkeys(
        (
            *SwedishAddress.street_prefixes,
            *listed(
                "Björnbärs Drottning Fiskar Gjutar Hassel Hjort Kastanj Klock Lind Lärk Malm Murar Nors Prästgårds"
            ),
            *listed("Rip Rönn Skräddar Smultron Snickar Svan Tall Vall Väst Äppel Öst"),
        )
    )
    for suffix in ("gatan", "vägen", "stigen", "gränd")
)

COUNTRIES = tuple(
    listed("Norge Finland Danmark Polen Irak Iran Syrien Somalia Bosnien Chile Turkiet Eritrea Etiopien Tyskland")
    + listed("Thailand Spanien Grekland Kroatien Estland Rumänien Marocko Libanon Vietnam Indien")
)

UNIT_FORMS = (
    "Vårdcentralen {root}",
    "{root_s} vårdcentral",
    "{root_s} familjeläkarmottagning",
    "{root_s} hälsocentral",
)
HOSPITAL_FORMS = ("{town_s} sjukhus", "{town_s} lasarett", "{town_s} sjukhus", "{town_s} närsjukhus")
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
    "snickare",
    "undersköterska",
    "lärare",
    "chaufför",
    "ekonom",
    "svetsare",
    "elektriker",
    "kock",
    "lagerarbetare",
    "säljare",
    "maskinist",
    "vaktmästare",
    "målare",
    "barnskötare",
    "ingenjör",
)
MONTHS = tuple(listed("januari februari mars april maj juni juli augusti september oktober november december"))
SHORT_MONTHS = ("jan", "feb", "mars", "apr", "maj", "juni", "juli", "aug", "sept", "okt", "nov", "dec")
