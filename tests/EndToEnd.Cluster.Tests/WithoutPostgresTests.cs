namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Without PostgreSQL, this is the only class of the project: one skipped test that names the missing package.</summary>
public sealed class WithoutPostgresTests
{
    [Fact(Skip = "These tests need PostgreSQL. Install the package postgresql.")]
    public void The_suites_run_on_a_cluster() => throw new NotSupportedException();
}
