from ar.cash.bank.readers.camt import read as parts_of
