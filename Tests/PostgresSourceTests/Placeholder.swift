// Tests of PostgresSource come with it.
