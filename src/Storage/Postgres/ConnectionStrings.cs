using System.Data.Common;
using Npgsql;

namespace CozeCluster.Storage;

/// <summary>Checks an operator's connection string and adds this project's defaults to it.</summary>
public static class ConnectionStrings
{
    /// <summary>Finds what is wrong with a connection string.</summary>
    /// <param name="connectionString">The connection string as the operator wrote it.</param>
    /// <returns>A message for the operator, without anything that may be part of a password; null if nothing is wrong.</returns>
    public static string? FindProblem(string connectionString)
    {
        const string Expected = "expected a connection string such as Host=localhost;Database=coze;Username=coze";
        var npgsql = new NpgsqlConnectionStringBuilder();
        var given = new DbConnectionStringBuilder();
        try
        {
            given.ConnectionString = connectionString;
        }
        catch (ArgumentException)
        {
            return $"{Expected}; this text cannot be read as one. Put a value with special characters into quotes: Password='a;b'.";
        }
        var unknown = given.Keys.Cast<string>().Count(keyword => !npgsql.ContainsKey(keyword));
        if (unknown > 0) return $"{Expected}; Npgsql does not know {unknown} of its keywords.";
        foreach (string keyword in given.Keys)
        {
            try
            {
                npgsql[keyword] = given[keyword];
            }
            catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or InvalidCastException)
            {
                return $"Npgsql does not accept the value of '{keyword}'.";
            }
        }
        return null;
    }

    /// <summary>Adds defaults for keywords that the connection string does not set.</summary>
    /// <remarks>
    /// The statements are few and always the same, so connections prepare them. No statement changes a connection, so connections are not reset between two
    /// uses. A statement takes a millisecond or two: twenty connections can run more of them than one machine needs, and four silos stay below the 100
    /// connections that a database server allows by default.
    /// </remarks>
    public static string WithDefaults(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        // ContainsKey would be true for every known keyword, set or not.
        var given = builder.Keys.Cast<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (!given.Contains("Max Auto Prepare")) builder.MaxAutoPrepare = 64;
        if (!given.Contains("No Reset On Close")) builder.NoResetOnClose = true;
        if (!given.Contains("Maximum Pool Size")) builder.MaxPoolSize = Math.Max(20, builder.MinPoolSize);
        return builder.ToString();
    }

    /// <summary>Changes a connection string so that commits do not wait for the disk.</summary>
    internal static string WithoutDisk(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        builder.Options = $"{builder.Options} -c synchronous_commit=off".TrimStart();
        return builder.ToString();
    }
}
