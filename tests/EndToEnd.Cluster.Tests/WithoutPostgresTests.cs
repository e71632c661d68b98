namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>All that is compiled of this project where PostgreSQL is not installed: one skipped test that names what is missing.</summary>
public sealed class WithoutPostgresTests
{
    [Fact(Skip = "Needs PostgreSQL: install the package postgresql.")]
    public void The_suites_run_on_a_cluster() => throw new NotSupportedException();
}
