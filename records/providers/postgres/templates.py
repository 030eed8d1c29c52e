"""The row templates that a plan's statement binds: the same for every plan of its shape."""

from records.plan import GroupPlan, KeyedPlan, LinkedPlan, ListPlan, WritePlan
from records.providers.postgres.compile import read_templates
from records.providers.postgres.grouping import group_templates
from records.providers.postgres.linking import linked_templates
from records.providers.postgres.rowtext import row_template


def templates_of(plan: ListPlan | GroupPlan | KeyedPlan | LinkedPlan | WritePlan) -> dict[str, str]:
    """The templates, by the names of their placeholders."""
    match plan:
        case LinkedPlan():
            return linked_templates(plan)
        case GroupPlan():
            return group_templates(plan)
        case WritePlan():
            return {"template": row_template(plan.table.shown, meta=plan.meta)}
    return read_templates(plan)
