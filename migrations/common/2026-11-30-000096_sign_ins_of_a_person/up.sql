-- The sign-ins of one person, newest first: a page of them is read as far as it goes, however many there are.
CREATE INDEX sign_ins_of_person ON sign_ins (organization_id, person_key, at, id);
DROP INDEX sign_ins_by_person;
