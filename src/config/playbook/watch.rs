//! The playbook while serving.
