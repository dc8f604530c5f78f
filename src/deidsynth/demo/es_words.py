"""Spanish places, care units, institutions and professions: invented where a person could be found by them."""

from __future__ import annotations

from faker.providers.address.es_ES import Provider as SpanishAddress

from deidsynth.surrogates.shapes import listed

_ALONE = {"Ciudad", "Asturias", "Baleares", "Cantabria", "Guipúzcoa", "Vizcaya", "Álava", "Navarra", "La Rioja"}
TOWNS = tuple(
    dict.fromkeys(
        (
            *(name for name in SpanishAddress.states if name not in _ALONE),
            *listed("""Alcañiz Alcoy Almansa Andújar Antequera Aranjuez Astorga Avilés Barbastro Baza Béjar Benavente
            Calahorra
            Calatayud Carmona Cieza Coria Daroca Dénia Écija Elche Elda Estella Ferrol Gandía Getafe Guadix Haro Hellín
            Ibi Igualada Jaca Játiva Lalín Leganés Linares Loja Lorca Manresa Marbella Martos Medina Mérida Miajadas
            Monzón Motril Móstoles Olot Onda Orihuela Osuna Parla Plasencia Ponferrada Priego Reus Ronda Sagunto Tafalla
            Talavera Tarancón Tomelloso Tortosa Trujillo Tudela Úbeda Utrera Valdepeñas Vic Vigo Villena Yecla
            Zafra"""),
        )
    )
)

_HEADS = listed("Alameda Casa Cruz Ermita Huerta Loma Torre")
_TAILS = listed("Alta Blanca Clara Honda Llana Mayor Nueva Real Seca Serena Verde Vieja")
ROOTS = tuple(f"{head} {tail}" for head in _HEADS for tail in _TAILS) + tuple(
    listed("""Valdehuerta Montealegría Fuenclara Robledosa Pinardulce Camposereno Riosecano Villarrosa Piedralba
    Navasola
    Casamora Olivarejo Almenarosa Encinalta Lagunadulce Sotoclaro Vegablanca Cumbrealta Carrascosa Peñamora Torrelinda
    Valdeflores Montelirio Brezalera Hontanilla Castrolindo Arenaleja Majadasol Retamarosa Tomillarejo""")
)

STREET_KINDS = ("Calle", "Calle", "Calle", "C/", "Avenida", "Plaza", "Paseo", "Camino", "Ronda")
STREET_NAMES = tuple(
    f"{lead}{name}"
    for lead, names in (
        ("de la ", "Amapola Azucena Cigüeña Encina Golondrina Higuera Luna Morera Noria Paloma Retama Violeta Zarza"),
        ("del ", "Alba Almendro Castaño Ciprés Granado Jilguero Laurel Membrillo Molino Naranjo Olmo Ruiseñor Tilo"),
        ("de los ", "Alfareros Arrieros Canteros Fresnos Herreros Jazmines Juncos Nogales Panaderos Tejedores"),
        ("", "Arcoíris Buenavista Cantarranas Hortensias Mediodía Miraflores Ribera Solana Tramontana Umbría"),
    )
    for name in names.split()
)

HOSPITAL_FORMS = (
    "Hospital {root}",
    "Hospital Universitario {root}",
    "Hospital General de {town}",
    "Hospital Comarcal de {town}",
    "Complejo Hospitalario de {town}",
    "Clínica {root}",
)
CENTER_FORMS = ("Centro de Salud {root}", "C.S. {root}", "Consultorio {root}", "Ambulatorio {root}")
INSTITUTION_FORMS = (
    "Residencia {root}",
    "Fundación {last}",
    "Talleres {last} S.L.",
    "Colegio {root}",
    "Construcciones {last} S.A.",
    "Transportes {last}",
    "Instituto {root}",
    "Cooperativa {root}",
    "Ayuntamiento de {town}",
)
SCHOOL_FORMS = ("Colegio {root}", "CEIP {root}", "Escuela Infantil {root}")
HOME_FORMS = ("Residencia {root}", "Centro de Día {root}", "Residencia de Mayores {root}")
COUNTRIES = tuple(
    listed("Marruecos Rumanía Colombia Ecuador Perú Bolivia Argentina Portugal Italia Francia Alemania Ucrania Senegal")
    + listed("Venezuela Paraguay Bulgaria Polonia Cuba Honduras Chile México Brasil Nicaragua")
)
# The masculine and the feminine form of each profession.
PROFESSIONS = tuple(
    tuple(pair.split("/"))
    for pair in listed("""albañil/albañil camarero/camarera maestro/maestra cocinero/cocinera enfermero/enfermera
    agricultor/agricultora electricista/electricista administrativo/administrativa dependiente/dependienta
    conductor/conductora mecánico/mecánica limpiador/limpiadora ganadero/ganadera carpintero/carpintera
    peluquero/peluquera soldador/soldadora pintor/pintora abogado/abogada panadero/panadera
    jardinero/jardinera""")
)
# Other things that tell a person apart, masculine and feminine.
DETAILS = (
    ("aficionado al ciclismo", "aficionada al ciclismo"),
    ("zurdo", "zurda"),
    ("practica buceo los fines de semana", "practica buceo los fines de semana"),
    ("toca en una banda de música", "toca en una banda de música"),
    ("cría palomas mensajeras", "cría palomas mensajeras"),
    ("corre maratones", "corre maratones"),
    ("monaguillo de su parroquia", "catequista de su parroquia"),
    ("campeón comarcal de ajedrez", "campeona comarcal de ajedrez"),
)
MONTHS = tuple(listed("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"))
