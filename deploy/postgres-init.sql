-- Backline's own data and Dagster's storage are two databases of one server.
CREATE DATABASE dagster;
