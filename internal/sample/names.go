package sample

func femaleNames() []string {
	return []string{
		"Adaline", "Beatrix", "Camille", "Delphine", "Esperanza", "Fatima", "Greta", "Hanneke", "Ingrid", "Josephine",
		"Kalinda", "Lucinda", "Marisol", "Nadezhda", "Octavia", "Philippa", "Rosalind", "Saoirse", "Tamsin", "Ursula",
		"Valentina", "Wilhelmina", "Ximena", "Yasmin", "Zuzanna", "Mei-Ling", "Priya", "Amara", "Leilani", "Noor",
	}
}

func maleNames() []string {
	return []string{
		"Ambrose", "Bartholomew", "Cornelius", "Demetrius", "Emiliano", "Ferdinand", "Gideon", "Horatio", "Ignatius", "Jasper",
		"Kofi", "Leopold", "Matthias", "Nathaniel", "Osvaldo", "Percival", "Quentin", "Roderick", "Sebastian", "Thaddeus",
		"Ulysses", "Vikram", "Wendell", "Xavier", "Yusuf", "Zachariah", "Haruto", "Oluwaseun", "Rafael", "Tomasz",
	}
}

func familyNames() []string {
	return []string{
		"Ashdown", "Birchfield", "Cavanaugh", "Dragović", "Eisenhardt", "Fairweather", "Goldfinch", "Hawthorne", "Ibarrola",
		"Jankowska", "Kingsolver", "Lindqvist", "Montefiore", "Nakashima", "Okonkwo", "Pemberton", "Quintanilla", "Ravensdale",
		"Schönfeld", "Thistlewood", "Underhill", "Valderrama", "Wetherby", "Xiangyu", "Yellowhorse", "Zamorano", "Abernathy",
		"Brightwater", "Castellanos", "Dimitriou", "Everhart", "Featherstone", "Gunnarsson", "Haverford", "Iyengar", "Jablonski",
		"Kowalczyk", "Larkspur", "Mbekwe", "Nightingale",
	}
}

func streets() []string {
	return []string{
		"Millrace Lane", "Foundry Street", "Orchard Hill Road", "Lantern Court", "Old Ferry Road", "Chestnut Terrace",
		"Quarry View Drive", "Sparrow Street", "Weaver's Row", "Harvest Moon Avenue", "Stonebridge Road", "Willowbrook Lane",
		"Cooper's Alley", "Meadowlark Drive", "Granite Street", "Juniper Way",
	}
}

// town is a place of the made-up valley, with a postal code that is not in use.
type town struct{ name, postalCode string }

func towns() []town {
	return []town{
		{"Alder Falls", "05991"}, {"Bramblewick", "05992"}, {"Copperfield Junction", "05993"}, {"Dunmoor", "05994"},
		{"East Larchmere", "05995"}, {"Foxglove Hollow", "05996"}, {"Gristmill", "05997"},
	}
}
