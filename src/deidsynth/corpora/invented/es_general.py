"""Spanish sentences that fit any specialty, and words that do not fit a child or someone retired."""

from __future__ import annotations

# Further sentences of a section come from these lists.
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
    "Duerme bien.", "Apetito <conservado|disminuido>.", "Hábito intestinal normal.", "No fuma.", "Bebe alcohol ocasionalmente.",
    "Diuresis conservada.", "Come y bebe con normalidad.", "Peso estable.", "Camina a diario.",
    "Sin antecedentes familiares de interés.", "Entiende y acepta el plan.", "Dolor controlado.", "Sin nuevos síntomas.",
    "No plantea dudas.", "Algo [nervioso/nerviosa], se tranquiliza tras la visita.", "Vacunación al día.",
)  # fmt: skip
GENERAL_LAB = (
    "Plaquetas {150-390}.000.", "Leucocitos {4.1-12.5}.", "Calcio {8.6-10.2}.", "Perfil hepático <normal|levemente alterado>.",
    "Iones normales.", "INR {1.0-1.3}.", "Resto sin alteraciones.",
)  # fmt: skip
GENERAL_JUDGEMENT = (
    "Buen pronóstico.", "Pendiente de completar estudio.", "Riesgo de recaída.", "Sin datos de malignidad.",
    "Precisa continuar tratamiento.", "Estable en este momento.", "Se explica al pcte.",
)  # fmt: skip
NOT_FOR_CHILDREN = (
    "TA {", "Trabaja", "{job}", "{home}", "laboral", "Sonda", "andador", "Necesita ayuda", "alcohol", "llama desde", "llama por",
    "fuma", "Tfno: {phone}. Correo", "Correo {mail}", "técnicas", "Escaleras", "preocupad", "apendicectomía", "Se asea",
    "Creatinina", "Camina a diario", "{name} llama", "Pide que", "Localizable", "Consulta tras",
)  # fmt: skip
NOT_FOR_RETIRED = ("laboral", "Trabaja ", "de profesión", "trabajo")
