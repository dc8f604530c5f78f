"""The kind of value for a label: of the Swedish scheme, of MEDDOCAN, or a common generic name."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "first_name",
    "last_name",
    "full_name",
    "age",
    "sex",
    "family",
    "date",
    "date_part",
    "phone",
    "email",
    "url",
    "swedish_identity",
    "spanish_record",
    "spanish_insurance",
    "spanish_license",
    "us_identity",
    "identifier",
    "profession",
    "hospital",
    "clinic",
    "organization",
    "street",
    "place",
    "country",
    "postcode",
    "detail",
    "shape",
]

_KINDS: dict[Kind, str] = {
    "first_name": "FIRST_NAME GIVEN_NAME FIRSTNAME GIVENNAME",
    "last_name": "LAST_NAME FAMILY_NAME SURNAME LASTNAME",
    "full_name": """NAME PERSON PER PERS PATIENT DOCTOR STAFF NURSE FULL_NAME USERNAME PATIENT_NAME DOCTOR_NAME
        NOMBRE_SUJETO_ASISTENCIA NOMBRE_PERSONAL_SANITARIO""",
    "age": "AGE EDAD_SUJETO_ASISTENCIA",
    "sex": "SEX GENDER SEXO_SUJETO_ASISTENCIA",
    "family": "FAMILY RELATIVE FAMILIARES_SUJETO_ASISTENCIA",
    "date": "DATE FULL_DATE DATE_TIME FECHAS BIRTHDATE DATE_OF_BIRTH DOB",
    "date_part": "DATE_PART PARTIAL_DATE",
    "phone": "PHONE PHONE_NUMBER TELEPHONE FAX FAX_NUMBER NUMERO_TELEFONO NUMERO_FAX NUMERO_BUSCAPERSONAS TEL",
    "email": "EMAIL E_MAIL EMAIL_ADDRESS CORREO_ELECTRONICO MAIL",
    "url": "URL WEB URL_WEB DOMAIN_NAME",
    "swedish_identity": "PERSONAL_IDENTITY_NUMBER PERSONNUMMER SOCIAL_SECURITY_NUMBER_SE",
    "spanish_record": "DNI NIE NIF ID_SUJETO_ASISTENCIA",
    "spanish_insurance": "ID_ASEGURAMIENTO NASS",
    "spanish_license": "ID_TITULACION_PERSONAL_SANITARIO",
    "us_identity": "SSN US_SSN SOCIAL_SECURITY_NUMBER",
    "identifier": """ID IDNUM IDENTIFIER MEDICAL_RECORD MEDICALRECORD MRN ACCOUNT LICENSE DEVICE VEHICLE CREDIT_CARD
        ID_CONTACTO_ASISTENCIAL ID_EMPLEO_PERSONAL_SANITARIO IDENTIF_VEHICULOS_NRSERIE_PLACAS
        IDENTIF_DISPOSITIVOS_NRSERIE HISTORY_NUMBER""",
    "profession": "PROFESSION OCCUPATION JOB PROFESION",
    "hospital": "HOSPITAL",
    "clinic": "HEALTH_CARE_UNIT HEALTHCARE_UNIT CARE_UNIT CLINIC DEPARTMENT CENTRO_SALUD",
    "organization": "ORG ORGANIZATION ORGANISATION COMPANY INSTITUTION INSTITUCION EMPLOYER",
    "street": "STREET ADDRESS STREET_ADDRESS CALLE",
    "place": "LOCATION LOC CITY PLACE GPE STATE REGION TERRITORIO LOCATION_OTHER",
    "country": "COUNTRY PAIS",
    "postcode": "ZIP ZIPCODE POSTCODE POSTAL_CODE",
    "detail": "OTROS_SUJETO_ASISTENCIA",
}
_BY_LABEL: dict[str, Kind] = {label: kind for kind, labels in _KINDS.items() for label in labels.split()}


def kind_of(label: str) -> Kind:
    """The kind of value for a label, in any case and with ``-``, ``_`` or a blank between its words."""
    return _BY_LABEL.get(label.upper().replace("-", "_").replace(" ", "_"), "shape")
