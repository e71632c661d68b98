using System.Data.Common;
using Npgsql;

namespace CozeCluster.Storage;

/// <summary>Checks the operator's connection string, and adds the defaults of nodes to it.</summary>
public static class ConnectionStrings
{
    /// <summary>What is wrong with an operator's connection string, in words for the operator; null: nothing. It never repeats what may be part of a password.</summary>
    public static string? WrongWith(string connectionString)
    {
        const string Expected = "expected a connection string such as Host=localhost;Database=coze;Username=coze";
        var known = new NpgsqlConnectionStringBuilder();
        var given = new DbConnectionStringBuilder();
        try
        {
            given.ConnectionString = connectionString;
        }
        catch (ArgumentException)
        {
            return $"{Expected}; this one cannot be read. Put a value with special characters into quotes: Password='a;b'.";
        }
        var unknown = given.Keys.Cast<string>().Count(keyword => !known.ContainsKey(keyword));
        if (unknown > 0) return $"{Expected}; {unknown} of its keywords are not known to Npgsql.";
        foreach (string keyword in given.Keys)
        {
            try
            {
                known[keyword] = given[keyword];
            }
            catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or InvalidCastException)
            {
                return $"the value of '{keyword}' is not one that Npgsql accepts.";
            }
        }
        return null;
    }

    /// <summary>
    /// Adds defaults for keywords that the connection string does not set. The statements are few and always the same, so connections prepare them; and no statement changes a
    /// connection, so none is reset before its next use. A statement takes a millisecond or two: twenty connections run more of them than one machine can use, and four silos stay
    /// within the 100 connections that a database server allows by default.
    /// </summary>
    public static string WithDefaults(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        // ContainsKey is true for every known keyword, set or not.
        var given = builder.Keys.Cast<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (!given.Contains("Max Auto Prepare")) builder.MaxAutoPrepare = 32;
        if (!given.Contains("No Reset On Close")) builder.NoResetOnClose = true;
        if (!given.Contains("Maximum Pool Size")) builder.MaxPoolSize = Math.Max(20, builder.MinPoolSize);
        return builder.ToString();
    }

    /// <summary>The same connections, whose commits do not wait for the disk.</summary>
    internal static string WithoutDisk(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        builder.Options = $"{builder.Options} -c synchronous_commit=off".TrimStart();
        return builder.ToString();
    }
}
