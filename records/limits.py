"""Every size the client controls, by name. Each stands in ``docs/reference/limits.md`` and has a test."""

from datar.env import integer, seconds

BODY_BYTES = integer("DATAR_BODY_BYTES", 10_000_000, least=1_000, most=1_000_000_000)
"""Bytes in a request body (413 ``payload_too_large``)."""
JSON_DEPTH = integer("DATAR_JSON_DEPTH", 64, least=4, most=190)
"""Nesting of a JSON document (400 ``json_too_deep``)."""
ROWS_PER_REQUEST = integer("DATAR_ROWS_PER_REQUEST", 10_000, least=1, most=1_000_000)
"""Rows in one writing request, and ids in one delete (413 ``too_many_items``)."""
PAGE_SIZE = 20
"""Rows on a page when the client does not say."""
PAGE_SIZE_MOST = integer("DATAR_PAGE_SIZE", 1_000, least=1, most=100_000)
"""Rows on a page at the most (400 ``invalid_pagination``)."""
OFFSET_MOST = 2**53
"""Rows skipped at the most (400 ``invalid_pagination``)."""
QUERY_PARAMETERS = integer("DATAR_QUERY_PARAMETERS", 200, least=10, most=10_000)
"""Query parameters in one request (400 ``query_too_complex``)."""
FILTERS = integer("DATAR_FILTERS", 50, least=1, most=1_000)
"""Comparisons in one query (400 ``query_too_complex``)."""
FILTER_DEPTH = 20
"""Nesting of ``and``, ``or`` and ``not`` in a filter tree (400 ``query_too_complex``)."""
QUERY_NAME_CHARACTERS = 2_000
"""Characters of one name in a query: its relations, label, keys and operator (400 ``query_too_complex``)."""
SOUGHT_CHARACTERS = 1_000
"""Characters that ``contains``, ``icontains``, ``like`` and ``ilike`` look for (400 ``query_too_complex``)."""
SOUGHT_JSON_VALUES = 100
"""Values, nested ones too, that ``contains`` and ``contained_by`` compare JSON with (400 ``query_too_complex``)."""
IN_VALUES = integer("DATAR_IN_VALUES", 1_000, least=1, most=100_000)
"""Values of one ``in`` or ``nin`` (400 ``query_too_complex``)."""
ORDERING_TERMS = integer("DATAR_ORDERING_TERMS", 10, least=1, most=100)
"""Terms of ``ordering`` (400 ``invalid_ordering``)."""
RELATION_HOPS = integer("DATAR_RELATION_HOPS", 3, least=1, most=10)
"""Relations that one path goes through (400 ``query_too_complex``)."""
RELATION_PATHS = integer("DATAR_RELATION_PATHS", 5, least=1, most=50)
"""Different relation paths of one query's filters, order, groups and aggregates (400 ``query_too_complex``)."""
POPULATED_RELATIONS = integer("DATAR_POPULATED_RELATIONS", 50, least=1, most=500)
"""Relations populated in one query (400 ``query_too_complex``)."""
POPULATE_DEPTH = integer("DATAR_POPULATE_DEPTH", 3, least=1, most=10)
"""Depth of ``populate`` (400 ``query_too_complex``)."""
POPULATED_ROWS = 100
"""Rows of one populated to-many relation, and the most ``populate_limit`` may be (400 ``invalid_pagination``)."""
POPULATED_ROWS_MOST = integer("DATAR_POPULATED_ROWS", 250_000, least=1_000, most=10_000_000)
"""Rows that the to-many relations of one answer could come to (400 ``query_too_complex``)."""
REMOTE_KEYS = integer("DATAR_REMOTE_KEYS", 10_000, least=1, most=1_000_000)
"""Keys that are carried from one database to another for one relation (400 ``relation_not_local``)."""
AGGREGATES = integer("DATAR_AGGREGATES", 20, least=1, most=200)
"""Aggregates of one query (400 ``query_too_complex``)."""
GROUP_KEYS = integer("DATAR_GROUP_KEYS", 10, least=1, most=50)
"""Group keys of one query (400 ``query_too_complex``)."""
GROUPS_HELD = 100_000
"""Groups that the service holds where it orders them itself, on MongoDB (400 ``query_too_complex``)."""
QUERY_WORD_CHARACTERS = 65_536
"""Characters of one word of a query that takes a list, such as ``ordering`` (400 ``query_too_complex``)."""
SEARCH_QUERY_CHARACTERS = 1_000
"""Characters of ``search`` (400 ``query_too_complex``)."""
SEARCHED_CHARACTERS = 100_000
"""Characters of one row's text that ``search`` looks at, shared evenly by its fields."""
NUMBER_DIGITS = 100
"""Significant digits of a number (400 ``number_out_of_range``)."""
DECIMAL128_DIGITS = 34
"""The same where rows are kept in MongoDB; its own bound (400 ``number_out_of_range``)."""
NUMBER_MAGNITUDE = 100
"""A number other than 0 lies between 1e-100 and 1e100 in size (400 ``number_out_of_range``)."""
FIELDS_PER_TABLE = integer("DATAR_FIELDS_PER_TABLE", 1_000, least=1, most=1_500)
"""Fields of one table (400 ``schema_too_large``)."""
LABEL_CHARACTERS = 255
"""Characters of a field's name (400 ``invalid_label``)."""
ADDITIONAL_FIELDS = 1_000
"""Fields beside those of the schema that one row sends, where a table takes them (400 ``too_many_fields``)."""
PATTERN_CHARACTERS = 1_000
"""Characters of a ``pattern`` (400 ``pattern_unsupported``)."""
ENUM_VALUES = 1_000
"""Values of an ``enum`` (400 ``schema_too_large``)."""
MISTAKES_SHOWN = 500
"""Mistakes of one table schema listed in one answer; the last one says when there are more."""
KEYS_PER_TABLE = 100
"""Unique keys, foreign keys and indexes, each (400 ``schema_too_large``)."""
KEY_FIELDS = 32
"""Fields of one key or index; PostgreSQL's own bound (400 ``schema_too_large``)."""
MONGODB_INDEXES = 64
"""Indexes of one table on MongoDB, for its keys too; its own bound (400 ``schema_too_large``)."""
COLUMNS_PER_TABLE = 1_600
"""Columns of one table with the service's own; PostgreSQL's own bound (400 ``schema_too_large``)."""
PATTERN_BYTES = 2_000_000
"""Memory one compiled ``pattern`` may take (400 ``pattern_unsupported``)."""
LARGE_PATTERN_BYTES = 64_000
"""A compiled ``pattern`` above this is a large one."""
LARGE_PATTERNS = 20
"""Large patterns of one table (400 ``schema_too_large``)."""
JSON_SCHEMA_NODES = 2_000
"""Parts of a ``jsonSchema`` constraint, each counted as often as references use it (400 ``schema_too_large``)."""
FIXED_ROW_BYTES = 8_000
"""Bytes a row's fixed part may take, so that it fits a PostgreSQL page (400 ``schema_too_large``)."""
INDEXED_TEXT_BYTES = 2_600
"""Bytes of a text that a key or an index holds; PostgreSQL's bound is 2,704 (400 ``value_too_long_for_index``)."""
PACKAGE_RESOURCES = 100
"""Resources of one data package (400 ``schema_too_large``)."""
NAME_CHARACTERS = 200
"""Characters of the name of an app or a datasource (400 ``too_long``)."""
DESCRIPTION_CHARACTERS = 10_000
"""Characters of the description of an app, a datasource or a table (400 ``too_long``)."""
PASSWORD_CHARACTERS = 1_000
"""Characters of a password (400 ``too_long``)."""
API_KEYS_PER_CLIENT = 100
"""Api keys of one client that are not revoked (409 ``too_many_keys``)."""
TOKEN_CHARACTERS = 4_096
"""Characters of a token (401 ``token_malformed``)."""
TEXT_SHOWN = 100
"""Characters of a client's text that a refusal repeats."""
ERRORS_SHOWN = 100
"""Errors listed in one answer; ``detail`` says how many there are."""
STATEMENT_SECONDS = seconds("DATAR_STATEMENT_SECONDS", 10, least=0.1, most=600)
"""A read's deadline (503 ``query_timeout``)."""
BULK_SECONDS = seconds("DATAR_BULK_SECONDS", 30, least=0.1, most=3_600)
"""A bulk write's deadline (503 ``query_timeout``)."""
EXPORT_SECONDS = seconds("DATAR_EXPORT_SECONDS", 600, least=0.1, most=86_400)
"""An export's deadline, from its question to its last row (the connection is cut)."""
LOCK_MILLISECONDS = 500
"""How long one try waits for a lock."""
LOCK_TRIES = 5
"""Tries at a lock before 503 ``schema_locked``."""
